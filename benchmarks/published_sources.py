"""Where the published numbers come from: the short name in a row, and the publication."""

SOURCES = {
    "64-slice CT": ("morphometry of the carotid bifurcation by 64-slice CT angiography, *West Indian Med J*"),
    "Thomas 2005": (
        "Thomas JB et al., variation in the carotid bifurcation geometry of young versus older adults, "
        "*Stroke* 2005, PMID 16224089"
    ),
    "Varghese 2005": (
        "Varghese A et al., reproducibility of 3D volume-selective fast spin echo of carotid walls, *J "
        "Magn Reson Imaging* 2005;21(2)"
    ),
    "Wei 2019": (
        "Wei H et al., 3D against 2D multi-contrast carotid vessel wall MRI, *Quant Imaging Med Surg* "
        "2019, doi:10.21037/qims.2019.09.11"
    ),
    "Composition and ulceration": ("carotid plaque composition and ulceration, *AJNR Am J Neuroradiol* 2021;42:144"),
    "Selwaness": (
        "Selwaness M et al., carotid plaque burden and intraplaque hemorrhage in the Rotterdam study, "
        "Erasmus repository record 94627"
    ),
    "Mihai": "Mihai G et al., carotid stenosis by MRI, *J Magn Reson Imaging*, doi:10.1002/jmri.22839",
    "Zhao 2011": (
        "Zhao XQ et al., plaque lipid depletion under intensive lipid therapy, *JACC Cardiovasc Imaging* 2011"
    ),
    "ARIC 2009": "risk factors 18 years before carotid MRI, ARIC, PMID 19808612",
    "Zhao H": "Zhao H et al., plaque by grade of stenosis in symptomatic Chinese patients, PMC4059203",
    "Rotterdam components": (
        "determinants of magnetic resonance imaging detected carotid plaque components, Rotterdam study, "
        "*Eur Heart J*, doi:10.1093/eurheartj/ehr227"
    ),
    "Blood pressure": "blood pressure and intraplaque hemorrhage, PMC4808377",
    "Ota 2013": (
        "Ota H et al., sex differences in carotid plaque below 50 % stenosis, *AJNR Am J Neuroradiol* 2013;34:1049"
    ),
    "Zhao X": "Zhao X et al., plaque burden and high-risk features, PMC5542669",
    "Lu 2019": (
        "Lu M et al., age and progression of carotid plaque, *Int J Cardiovasc Imaging* 2019, "
        "doi:10.1007/s10554-019-01538-4"
    ),
    "Lu 2020": (
        "Lu M et al., segment-specific progression of carotid plaque, *Neuroradiology* 2020, "
        "doi:10.1007/s00234-019-02316-8"
    ),
    "Saam 2007": "Saam T et al., predictors of carotid plaque progression over 18 months, PMID 16978632",
    "3D ultrasound 2021": (
        "total plaque volume by 3D ultrasound with and without a statin over 2 years, PMID 33884633"
    ),
    "MESA": (
        "Tattersall MC et al., predictors of carotid thickness and plaque progression, MESA, *Stroke* "
        "2014, doi:10.1161/STROKEAHA.114.005669"
    ),
    "AIM-HIGH 2022": (
        "Zhao XQ et al., intraplaque hemorrhage and lipid content, AIM-HIGH, *Circ Cardiovasc Imaging* "
        "2022, doi:10.1161/CIRCIMAGING.122.014229"
    ),
    "Lu 2022": (
        "Lu M et al., predictors of progression in hemorrhage volume, *Front Neurol* 2022, "
        "doi:10.3389/fneur.2022.815150"
    ),
    "Rotterdam hemorrhage": (
        "development and change of intraplaque hemorrhage, Rotterdam study, Erasmus repository record 108046"
    ),
    "Pletsch-Borba 2018": (
        "Pletsch-Borba L et al., change in carotid plaque components, *JACC Cardiovasc Imaging* 2018, "
        "doi:10.1016/j.jcmg.2016.12.026"
    ),
    "ACSRS": (
        "Kakkos SK et al., progression of asymptomatic carotid stenosis, ACSRS, *J Vasc Surg*, "
        "doi:10.1016/j.jvs.2013.10.073"
    ),
    "Singh 2020": "Singh N et al., progression of carotid plaque below 50 %, *AJNR Am J Neuroradiol* 2020;41:1453",
    "Brinjikji 2017": (
        "Brinjikji W et al., statins and carotid plaque on MRI, *J Neuroradiol* 2017, doi:10.1016/j.neurad.2016.12.004"
    ),
}
