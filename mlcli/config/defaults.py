"""The defaults of a config, as the YAML files state them: what a run has without overrides of single settings."""

import re
from collections.abc import Mapping
from typing import Any

import yaml

from mlcli.config import index

FROM_ENVIRONMENT = re.compile(r"\$\{oc\.env:\w+,([^}]*)\}")


def defaults(options: Mapping[str, str]) -> dict[str, Any]:
    """Dotted keys and their defaults for the chosen option of each group, without what an experiment sets."""
    texts = index.all_keys({group: option for group, option in options.items() if group != "experiment"})
    return {key: value_of(FROM_ENVIRONMENT.sub(r"\1", text)) for key, text in texts.items()}


def value_of(text: str) -> Any:
    """The value of a setting from its text in a YAML file."""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text
