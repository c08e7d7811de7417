"""Imports coremltools. It says in eight lines what it cannot do without Core ML; import this module first to leave them out."""

import logging

logging.disable(logging.WARNING)
import coremltools  # noqa: E402, F401

logging.disable(logging.NOTSET)
