"""Settings: ``headrace.toml``, the environment and defaults."""

from headrace.config.processors import available_cpus
from headrace.config.settings import (
    SETTINGS_FILE,
    Settings,
    find_settings_file,
    load_settings,
    resolve_home,
    setting_docs,
)

__all__ = [
    "SETTINGS_FILE",
    "Settings",
    "available_cpus",
    "find_settings_file",
    "load_settings",
    "resolve_home",
    "setting_docs",
]
