"""The commands, their flags and what these take, as plain data, so that completion need not import Typer."""

FILES = None  # instead of a flag's choices: the shell completes file names

# The panels of `mlcli --help`, and in each the commands with the line that describes them.
PANELS = {
    "Train and evaluate": {
        "train": "Train a network, or with -m a sweep of them",
        "crossval": "Cross-validate one network, or compare several on the same folds",
        "evaluate": "Evaluate a finished run with its best weights",
        "predict": "Predict for a file of inputs, or continue a prompt",
        "serve": "Serve a run's predictions over HTTP",
    },
    "Look at runs": {
        "runs": "List runs, newest first",
        "show": "Show one run: status, config, metrics and files",
        "compare": "Compare runs: config, metrics and curves",
        "ui": "Start the MLflow UI and print its address",
    },
    "Set up": {
        "list": "List the config groups, or the options of one",
        "doctor": "Check versions, device, configs and the MLflow store",
        "sync": "Bring MLflow up to date with the run folders",
        "completion": "Print the completion script of a shell",
    },
}
COMMANDS = {name: text for commands in PANELS.values() for name, text in commands.items()}

SHELLS = ("bash", "zsh", "fish")

HYDRA_FLAGS = {
    "--multirun": "Run a sweep: one trial per combination of values",
    "-m": "The same as --multirun",
    "--cfg": "Show the config and train nothing",
    "--resolve": "With --cfg: resolve interpolations",
    "--package": "With --cfg: show only this part",
    "--info": "Show how the config is put together",
    "--config-dir": "A folder of your own options",
    "--config-path": "A folder to use instead of the shipped configs",
    "--config-name": "The config to start from",
    "--run": "Run one job",
    "--hydra-help": "Hydra's help",
    "--shell-completion": "Hydra's own completion",
    "--experimental-rerun": "Rerun a job from Hydra's pickle",
    "--version": "Hydra's version",
}

OUTPUTS = {"--outputs": "The folder of the runs"}
LOADING = OUTPUTS | {"--config-dir": "A folder of your own configs"}

FLAGS = {
    "train": {"--quiet": "Errors only", "--verbose": "Every epoch, and where things go"} | HYDRA_FLAGS,
    "crossval": {"--quiet": "Errors only", "--verbose": "Every epoch, and where things go"} | HYDRA_FLAGS,
    "evaluate": LOADING
    | {
        "--split": "train, val or test",
        "--save": "A folder for figures and predictions",
        "--changed-data": "Even if the data has changed since",
        "--json": "As JSON",
    },
    "predict": LOADING
    | {
        "--output": "Where the predictions go",
        "--json": "As JSON, as the server answers",
        "--prompt": "The text to go on with",
        "--tokens": "How many tokens to write",
        "--temperature": "1 as it has learnt, 0 always the likeliest",
        "--seed": "Another text for another seed",
    },
    "serve": LOADING | {"--port": "Port on 127.0.0.1; 0 picks a free one"},
    "runs": OUTPUTS
    | {"--sort": "A metric, or started", "--limit": "At most so many; 0 for all", "--json": "As JSON"},
    "show": OUTPUTS,
    "compare": OUTPUTS | {"--metric": "The metric whose curves are overlaid", "--output": "Where the picture goes"},
    "ui": OUTPUTS | {"--port": "Port on 127.0.0.1; 0 picks a free one", "--uri": "MLflow's address"},
    "doctor": OUTPUTS,
    "sync": OUTPUTS | {"--uri": "MLflow's address", "--experiment": "The MLflow experiment"},
}

# What `crossval` reads itself, as key=value, beside the overrides of `train`, with values to offer.
CROSSVAL = {
    "folds": ("5", "10"),
    "repeats": ("1", "3", "10"),
    "by": ("example", "group", "class", "time"),
    "metric": ("test/accuracy", "test/f1_macro", "test/roc_auc", "test/rmse", "test/r2", "test/loss"),
}

# Flags that take a value, and which; a flag that is not here takes none.
FLAG_VALUES: dict[str, tuple[str, ...] | None] = {
    "--cfg": ("job", "hydra", "all"),
    "--info": ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath"),
    "--package": (),
    "--config-dir": FILES,
    "--config-path": FILES,
    "--config-name": (),
    "--experimental-rerun": FILES,
    "--split": ("train", "val", "test"),
    "--save": FILES,
    "--outputs": FILES,
    "--prompt": (),
    "--tokens": (),
    "--temperature": (),
    "--seed": (),
    "--sort": ("started",),
    "--limit": (),
    "--metric": (),
    "--output": FILES,
    "--port": (),
    "--uri": (),
    "--experiment": (),
}

SHORT = {
    "-c": "--cfg",
    "-i": "--info",
    "-p": "--package",
    "-cd": "--config-dir",
    "-cp": "--config-path",
    "-cn": "--config-name",
    "-n": "--limit",
    "-o": "--output",
}
