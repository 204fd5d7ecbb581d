"""Hints at mistyped keys, options and words: by meaning before spelling, and only what the chosen options have."""

import itertools

import pytest

from mlcli.config import index
from mlcli.config.arguments import parse
from mlcli.config.compose import compose, hydra_session
from mlcli.config.errors import ConfigError
from mlcli.config.meant import GROUPS, MEANINGS, OPTIONS, meant, meant_option

KEYS = {
    "model=lstm model.width=64": "model.hidden_size",
    "model=gru model.units=64": "model.hidden_size",
    "model=mlp model.hidden_size=64": "model.width",
    "model=mlp model.layers=3": "model.depth",
    "model=lstm model.n_layers=2": "model.layers",
    "model=transformer model.hidden_size=32": "model.d_model",
    "model=vit model.num_heads=2": "model.heads",
    "model=vae model.latent_dim=2": "model.code",
    "model=cnn model.filters=8": "model.width",
    "model=mlp model.p=0.1": "model.dropout",
    "model=kmeans model.k=3": "model.clusters",
    "model=knn model.k=3": "model.estimator.n_neighbors",
    "model=random_forest model.n_estimators=10": "model.estimator.n_estimators",
    "model=svm model.C=3": "model.estimator.C",
    "learning_rate=0.01": "optimizer.lr",
    "trainer.lr=0.01": "optimizer.lr",
    "optimizer.epochs=5": "trainer.epochs",
    "optimizer.wd=0.1": "optimizer.weight_decay",
    "bs=32": "trainer.batch_size",
    "n_epochs=3": "trainer.epochs",
    "epoch=3": "trainer.epochs",
    "seed=1": "trainer.seed",
    "random_state=1": "trainer.seed",
    "early_stopping=5": "trainer.patience",
    "val_split=0.1": "split.val",
    "test_size=0.2": "split.test",
    "dataset=iris": "data",
    "gpu=true": "device=cuda",
    "amp=true": "device.precision",
    "run_name=x": "name",
    "output_dir=x": "outputs",
}
MESSAGES = {
    "metrics.gain=churn.gain": "metrics.gain=churn.gain: use metrics.gain._target_=churn.gain.",
    "task.loss=f": "task.loss=f: use task.loss._target_=f.",
    "task.loss=torch.nn.MSELoss task=regression": "use task.loss._target_=torch.nn.MSELoss.",
    "optimizer=adam optimizer.momentum=0.9": "It is a setting of optimizer=momentum|nesterov|rmsprop|sgd. Keys",
    "data.path=x.csv": "It is a setting of data=arrow|characters|csv|",
    "optimizer.name=adam": "in this config: use optimizer=OPTION, see `mlcli list optimizer`.",
    "wrong=1": "See `mlcli train --cfg job` for all of them.",
    "device=gpu": "Did you mean cuda? Choices: auto, cpu, cuda, mps.",
    "device=cuda:0": "Did you mean cuda?",
    "scheduler=none": "Did you mean constant?",
    "model=xgboost": "Did you mean gradient_boosting?",
    "tracking=tb": "Did you mean tensorboard?",
    "data=./mine.csv": "an option is a name in its group, not a path: use a file conf/data/NAME.yaml",
    "model=conf/model/lstm.yaml": "not a path: use model=lstm; see `mlcli list model`.",
    "hydra/launcher=ray": "'ray': run pip install hydra-ray-launcher, or use auto|basic",
    "trainer.epochs=1e3": "trainer.epochs=1e3: must be a whole number, use 1000.",
    "split.val=20%": "split.val=20%: must be a number, use 0.2.",
    "optimizer.lr=logspace(-4,-1,4)": "there is no function logspace: use a list, as in 1e-3,1e-2, or range(1,4).",
}
WORDS = {
    "optimizer.lr = 0.01": "no spaces around the =: use optimizer.lr=0.01.",
    "optimizer.lr =0.01": "no spaces around the =: use optimizer.lr=0.01.",
    "optimizer.lr= 0.01": "no spaces around the =: use optimizer.lr=0.01.",
    "model=lstm optimizer.lr =": "no spaces around the =: use optimizer.lr=VALUE.",
    "-m optimizer.lr=1e-3 1e-2": "the values of a sweep are separated by commas: use optimizer.lr=1e-3,1e-2.",
    "-m model=mlp lstm": "the values of a sweep are separated by commas: use model=mlp,lstm.",
    "-m model=mlp, lstm": "no spaces around commas: use model=mlp,lstm.",
    "-m model=mlp , lstm": "no spaces around commas: use model=mlp,lstm.",
    "name=my run": "without spaces around the =; quote a value with a space, as in 'name=\"my run\"'.",
    "lstm": "'lstm' sets nothing: use model=lstm.",
    "iris": "'iris' sets nothing: use data=iris.",
    "model lstm": "'model' sets nothing: use model=lstm.",
    "optimizer.lr 0.1": "'optimizer.lr' sets nothing: use optimizer.lr=0.1.",
    "lr 0.1": "'lr' sets nothing: use optimizer.lr=0.1.",
    "lr:0.1": "'lr:0.1' sets nothing: use optimizer.lr=0.1.",
    "model": "'model' is a group of options: use model=OPTION, see `mlcli list model`.",
    "conf/model/lstm.yaml": "use model=lstm.",
    "mine.yaml": "use GROUP=NAME for conf/GROUP/NAME.yaml, or --config-name NAME for conf/NAME.yaml.",
    "nonsense": "'nonsense' sets nothing: use KEY=VALUE, without spaces around the =.",
    "--gpu": "There is no option --gpu: settings have no dashes, use device=cuda.",
    "--batch-size 32 model=mlp": "no option --batch-size: settings have no dashes, use trainer.batch_size=32.",
    "model=lstm --width=3": "There is no option --width: settings have no dashes, use model.hidden_size=3.",
    "--tune": "There is no option --tune: a sweep is -m, as in -m optimizer.lr=1e-3,1e-2.",
}


@pytest.mark.parametrize("line", [*KEYS, *MESSAGES])
def test_a_wrong_setting_leads_to_the_right_one(line: str) -> None:
    with pytest.raises(ConfigError) as error, hydra_session() as hydra:
        compose(hydra, line.split())
    wanted = MESSAGES.get(line) or f" in this config. Did you mean {KEYS[line]}?"
    assert wanted in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("line", WORDS)
def test_a_stray_word_or_flag_leads_to_the_setting(line: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse(line.split())
    assert WORDS[line] in str(error.value)


def test_what_sets_something_is_no_stray_word() -> None:
    line = ["~scheduler", "name=", "model=mlp", "+extra=1", "++a.b=2", "data.path=a b=c", "-m", "k='a, b'"]
    assert len(parse(line).overrides) == len(line) - 1


def test_every_meaning_is_that_of_a_shipped_setting() -> None:
    shipped = set(index.all_keys(index.chosen({}))) | {"split.folds", "outputs", "name"}
    for group in index.groups():
        shipped |= {key for option in index.options(group) for key in index.keys(group, option)}
    names = {key.rpartition(".")[2] for key in shipped}
    assert [sorted(words) for words in MEANINGS if not words & names] == []
    assert {group.partition("=")[0] for group in GROUPS.values()} <= set(index.groups())
    for group, name in itertools.chain(*(itertools.product([group], each) for group, each in OPTIONS.items())):
        known = index.options(group)
        assert name not in known
        assert meant_option(group, name, known) in known or name == "slurm"


def test_nothing_is_suggested_for_what_resembles_nothing() -> None:
    assert meant("model.xyzzy", ["model.width", "trainer.epochs"]) is None
    assert meant_option("device", "gpu", ["cpu"]) is None
