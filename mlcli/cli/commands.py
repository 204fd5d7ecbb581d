"""The commands, their flags and the values of these, as plain data, so that completion does not import Typer."""

FILES = None  # in place of choices: the shell completes file names

# The panels of `mlcli --help`, and in each the commands with the line that describes them.
PANELS = {
    "Train and evaluate": {
        "data": "Describe a table of your own: kinds of columns, gaps, and what looks wrong",
        "train": "Train a model, or run a sweep with -m",
        "resume": "Continue a run that was interrupted, or train a finished one further",
        "verify": "Train a finished run again, and compare it bit for bit",
        "crossval": "Cross-validate a model, or compare several on the same folds",
        "evaluate": "Evaluate a finished run with its best weights",
        "predict": "Predict for a file of inputs, or continue a prompt",
        "serve": "Serve a run's predictions over HTTP",
        "export": "Write a run's model as an MLflow model that needs no mlcli",
    },
    "Look at runs": {
        "runs": "List runs, newest first",
        "show": "Show one run: status, config, metrics and files",
        "compare": "Compare runs: config, metrics and curves",
        "logs": "Print the log of a run: its warnings and tracebacks",
        "rm": "Remove run folders together with their MLflow runs",
        "ui": "Start the MLflow UI and open the runs in it",
    },
    "Set up": {
        "list": "List the config groups, or the options of one group",
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
    "--info": "Show how the config is composed",
    "--config-dir": "A folder with your own options",
    "--config-path": "A folder to use instead of the shipped configs",
    "--config-name": "The config to start from",
    "--run": "Run one job",
    "--hydra-help": "Hydra's help",
    "--shell-completion": "Hydra's own completion",
    "--experimental-rerun": "Rerun a job from Hydra's pickle",
    "--version": "The versions of mlcli and Hydra",
}

OUTPUTS = {"--outputs": "The folder of the runs"}
LOADING = OUTPUTS | {"--config-dir": "A folder with your own configs"}

TRAINING = {
    "--quiet": "Errors only",
    "--verbose": "Every epoch, and the run folder",
    "--dry-run": "List what would be trained, and write nothing",
    "--json": "The result as JSON",
}

FLAGS = {
    "train": TRAINING | HYDRA_FLAGS,
    "crossval": TRAINING | HYDRA_FLAGS,
    "resume": {name: TRAINING[name] for name in ("--quiet", "--verbose", "--json")}
    | LOADING
    | {"--trust-run": "Trust the run's config as if you had written it"},
    "verify": {name: TRAINING[name] for name in ("--quiet", "--json")}
    | LOADING
    | {"--trust-run": "Trust the run's config as if you had written it"},
    "evaluate": LOADING
    | {
        "--split": "train, val or test",
        "--save": "A folder for figures and predictions",
        "--changed-data": "Allow data that has changed since the training",
        "--json": "As JSON",
    },
    "predict": LOADING
    | {
        "--output": "File of the predictions",
        "--json": "As JSON, in the format of the server",
        "--keep": "A column of the input table to put before the predictions",
        "--with-inputs": "All columns of the input table",
        "--prompt": "The text that a language model continues",
        "--tokens": "How many tokens to generate",
        "--temperature": "1: the model's probabilities; 0: always the most likely token",
        "--seed": "Random seed of the sampled tokens",
    },
    "export": LOADING | {"--output": "The new folder", "--format": "mlflow"},
    "serve": LOADING | {"--port": "Port on 127.0.0.1; 0 picks a free one"},
    "runs": OUTPUTS
    | {
        "--sort": "A metric, a setting, or started",
        "--limit": "Maximum number of runs; 0 for all",
        "--json": "As JSON",
    },
    "show": OUTPUTS | {"--all": "Defaults and per-class metrics too", "--json": "As JSON"},
    "logs": OUTPUTS
    | {"--follow": "Print new lines until the run ends", "--lines": "Only the last N lines of each log"},
    "rm": OUTPUTS
    | {
        "--failed": "Only runs and sweeps that FAILED",
        "--older": "Only those that ended longer ago, as in 30d",
        "--yes": "Do not ask",
        "--dry-run": "List what would be removed, and remove nothing",
        "--keep-mlflow": "Keep the runs in MLflow",
        "--json": "As JSON",
    },
    "compare": OUTPUTS
    | {"--metric": "The metric whose curves are overlaid", "--output": "File of the figure", "--json": "As JSON"},
    "list": {"--json": "As JSON"},
    "data": {"--json": "As JSON", "--html": "File of a report as a web page"},
    "ui": OUTPUTS
    | {
        "--port": "Port on 127.0.0.1; 0 picks a free one",
        "--uri": "Tracking URI of MLflow",
        "--no-browser": "Print the address only",
    },
    "doctor": OUTPUTS | {"--json": "As JSON"},
    "sync": OUTPUTS
    | {"--uri": "Tracking URI of MLflow", "--experiment": "The MLflow experiment", "--json": "As JSON"},
}

# Arguments key=value of `crossval` in addition to the overrides of `train`, with values for completion.
CROSSVAL = {
    "folds": ("5", "10"),
    "repeats": ("1", "3", "10"),
    "by": ("example", "group", "class", "time", "group:", "time:", "column:"),
    "metric": ("test/accuracy", "test/f1_macro", "test/roc_auc", "test/rmse", "test/r2", "test/loss"),
}

# What `resume` takes, which a test compares with `mlcli.run.resume`.
RESUMED = ("trainer.epochs", "trainer.max_steps", "trainer.max_time", "trainer.patience", "device", "tracking")

# Settings with choices, which a test compares with the schema.
SETTINGS = {
    "split.by": ("example", "group", "class", "time", "group:", "time:", "column:"),  # the last three with a column
    "trainer.average": ("ema", "swa"),
    "trainer.class_weights": ("balanced",),
    "trainer.sampler": ("balanced",),
    "device.name": ("auto", "cpu", "cuda", "mps"),
    "device.precision": ("fp32", "bf16", "fp16"),
    "tracking.name": ("mlflow", "tensorboard", "both", "none"),
}

# Settings of tables with choices.
TABLE_SETTINGS = {
    "data.as_classes": ("true", "false"),
    "data.bad_rows": ("error", "skip"),
    "data.dates": ("auto", "day_first", "month_first"),
    "data.decimal": ("auto", "point", "comma"),
    "data.delimiter": ("auto", "comma", "semicolon", "tab", "pipe", "space"),
    "data.rare_classes": ("error", "drop", "merge"),
}

# Flags that take a value, with its choices; other flags take none. `flag_values` finds names of runs and configs.
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
    "--html": FILES,
    "--outputs": FILES,
    "--prompt": (),
    "--keep": (),
    "--tokens": (),
    "--temperature": (),
    "--seed": (),
    "--sort": (),
    "--limit": (),
    "--lines": (),
    "--older": ("12h", "7d", "30d"),
    "--metric": (),
    "--output": FILES,
    "--format": ("mlflow",),
    "--port": (),
    "--uri": (),
    "--experiment": (),
}

# Fields of a run's record that `mlcli runs` filters by, with choices.
FILTERS = {
    "status": ("RUNNING", "FINISHED", "FAILED", "KILLED", "PRUNED", "DAMAGED", "NEWER"),
    "kind": ("sweep",),
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
