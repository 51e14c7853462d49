"""plaquecast: from two carotid MRI visits and structured data to a forecast of plaque change."""

__version__ = "0.1.0"
