"""The table of commands; only what works stands here."""

import typer

from plaquecast.cli import (
    check,
    config,
    demo,
    doctor,
    evaluate,
    examine,
    export_nnunet,
    import_,
    import_annotation,
    predict,
    run,
    simulate,
    train_predictor,
    train_segmenter,
    watch,
)


def register(app: typer.Typer) -> None:
    """Put every command into the app, once."""
    if app.registered_commands:
        return
    app.command("demo")(demo.demo)
    app.command("simulate")(simulate.simulate)
    app.command("import")(import_.import_)
    app.command("import-annotation")(import_annotation.import_annotation)
    app.command("check")(check.check)
    app.command("train-segmenter")(train_segmenter.train_segmenter)
    app.command("export-nnunet")(export_nnunet.export_nnunet)
    app.command("examine")(examine.examine)
    app.command("run")(run.run)
    app.command("watch")(watch.watch)
    app.command("train-predictor")(train_predictor.train_predictor)
    app.command("evaluate")(evaluate.evaluate)
    app.command("predict")(predict.predict)
    app.command("doctor")(doctor.doctor)
    app.add_typer(config.app, name="config")
