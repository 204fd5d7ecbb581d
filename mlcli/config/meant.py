"""Which setting or option a user meant by a word that is none: one of the same meaning in other libraries, or of
similar spelling. Uses the standard library only."""

import difflib
from collections.abc import Iterable, Sequence

# Each line: words of one meaning, of which a config has one or none. Of two lines with a word the first fits.
MEANINGS = tuple(
    frozenset(line.split())
    for line in """
    embedding embedding_dim embedding_size embed_dim emb_dim
    hidden_size width d_model hidden hidden_dim hidden_units hidden_channels hidden_layer_sizes units neurons nodes \
        model_dim embedding_dim embed_dim emb_dim channels filters num_filters n_filters n_hidden num_hidden dim
    layers depth n_layers num_layers hidden_layers num_hidden_layers blocks num_blocks n_blocks
    heads n_heads num_heads nhead attention_heads
    feed_forward ffn ff_dim d_ff dim_feedforward mlp_dim
    code latent latent_dim latent_size bottleneck z_dim encoding_dim
    components n_components num_components
    kernel_size kernel ksize filter_size
    patch patch_size
    pooling pool
    activation act activation_fn activation_function nonlinearity
    norm batch_norm batchnorm bn layer_norm layernorm normalization normalisation
    dropout p drop dropout_rate dropout_p dropout_prob drop_rate drop_prob p_dropout
    clusters n_clusters num_clusters k centers centres
    n_neighbors k neighbors neighbours n_neighbours
    n_estimators trees n_trees num_trees estimators
    max_depth depth tree_depth
    starts n_init restarts
    lr learning_rate learningrate learning_rate_init eta initial_lr base_lr
    weight_decay wd l2 l2_reg l2_penalty decay
    betas beta beta1 beta2
    momentum mom
    eps epsilon
    gamma discount discount_factor
    epochs epoch n_epochs num_epochs nb_epoch nb_epochs max_epochs
    batch_size bs batch batchsize minibatch train_batch_size per_device_train_batch_size
    max_steps steps n_steps num_steps iterations max_iter max_iterations
    max_time time_limit timeout
    accumulate accumulation grad_accumulation accumulation_steps gradient_accumulation_steps accumulate_grad_batches
    clip_norm clip grad_clip gradient_clip gradient_clip_val clip_grad_norm max_grad_norm
    average ema swa
    monitor metric early_stopping_metric
    patience early_stopping early_stop early_stopping_patience early_stopping_rounds
    min_delta delta tol tolerance
    class_weights class_weight pos_weight
    seed random_seed random_state manual_seed
    repeats seeds n_seeds num_seeds n_runs repetitions
    val val_split val_size val_fraction val_ratio valid validation validation_split validation_fraction
    test test_split test_size test_fraction test_ratio
    folds k n_folds num_folds n_splits splits kfold k_fold k_folds cv
    by stratify
    precision amp fp16 bf16 mixed_precision dtype
    threads n_threads num_threads n_jobs
    compile torch_compile jit
    experiment experiment_name project
    uri tracking_uri mlflow_uri
    name run_name
    outputs output output_dir out_dir outdir save_dir log_dir logdir results_dir
    label_smoothing smoothing
    path folder file filename csv root data_dir data_path
    examples n_samples samples num_samples n_examples
    """.replace("\\\n", "")
    .strip()
    .splitlines()
)
GROUPS = {
    **dict.fromkeys(("dataset", "datasets", "ds"), "data"),
    **dict.fromkeys(("net", "network", "arch", "architecture", "classifier"), "model"),
    **dict.fromkeys(("opt", "optim", "optimiser"), "optimizer"),
    **dict.fromkeys(("sched", "schedule", "lr_scheduler", "lr_schedule"), "scheduler"),
    **dict.fromkeys(("logger", "tracker", "wandb", "mlflow", "tensorboard"), "tracking"),
    **dict.fromkeys(("gpu", "gpus", "cuda", "accelerator", "use_gpu", "use_cuda"), "device=cuda"),
    **dict.fromkeys(("problem", "objective"), "task"),
}
# By group: options by what they are called elsewhere. An option that does not exist is not suggested.
OPTIONS = {
    "device": dict.fromkeys(("gpu", "nvidia", "0", "true"), "cuda") | {"metal": "mps", "apple": "mps"},
    "scheduler": dict.fromkeys(("none", "null", "no", "off"), "constant")
    | dict.fromkeys(("cosine_annealing", "cosineannealing", "cosineannealinglr"), "cosine")
    | {"steplr": "step", "onecyclelr": "one_cycle", "reducelronplateau": "plateau", "warmup": "warmup_cosine"},
    "tracking": {"tb": "tensorboard", **dict.fromkeys(("no", "off", "false", "null"), "none")},
    "task": dict.fromkeys(("binary", "multiclass", "multi_class", "classifier", "classify"), "classification")
    | {"lm": "language_model", "ner": "sequence_labelling", "regressor": "regression", "cluster": "clustering"},
    "model": dict.fromkeys(("logreg", "logistic"), "logistic_regression")
    | dict.fromkeys(("dense", "fc", "ffn", "nn", "neural_network"), "mlp")
    | dict.fromkeys(("convnet", "conv", "lenet"), "cnn")
    | dict.fromkeys(("rf", "randomforest", "trees"), "random_forest")
    | dict.fromkeys(("xgboost", "xgb", "lightgbm", "lgbm", "catboost", "gbm", "gbdt", "gb"), "gradient_boosting")
    | {"k_means": "kmeans", "svc": "svm", "k_nearest_neighbors": "knn", "ae": "autoencoder", "bert": "minilm"}
    | {"efficientnet": "efficientnet_lite0", "linear_regression": "linear"},
    "data": {"fashion": "fashion_mnist", "fashionmnist": "fashion_mnist", "cancer": "breast_cancer"},
    "hydra/launcher": {"parallel": "processes", "multiprocessing": "processes", "slurm": "submitit_slurm"},
}
# Of several keys with one name, the group that comes first.
PREFERRED = ("trainer", "optimizer", "model", "split", "device", "task", "data", "scheduler", "tracking", "sweep")


def meant(key: str, keys: Sequence[str], exact: bool = False) -> str | None:
    """The key of a config that was probably meant by one that it does not have.

    In this order: the same name elsewhere, the same meaning in the same group, a similar name in the same node, the
    same meaning elsewhere, a similar name elsewhere; for a word without a group, meaning comes before spelling.
    keys: the dotted keys of the config. exact: no key that is only spelled alike. The result may be a choice, such as
    `device=cuda` for `gpu`.
    """
    node, _, name = key.rpartition(".")
    group = node.partition(".")[0]
    ordered = sorted(keys, key=lambda each: _rank(each, group))
    inside = [each for each in ordered if group and each.startswith(f"{group}.")]
    siblings = {each.rpartition(".")[2]: each for each in ordered if each.rpartition(".")[0] == node}
    if not node and name.lower() in GROUPS:
        return GROUPS[name.lower()]
    found = _of_name(name, ordered) or _of_meaning(name, inside if group else ordered)
    if found or exact:
        return found or _of_meaning(name, ordered)
    by_name = {each.rpartition(".")[2]: each for each in reversed(ordered)}
    return _similar(name, siblings, 0.6) or _of_meaning(name, ordered) or _similar(name, by_name, 0.8)


def meant_option(group: str, option: str, options: Iterable[str]) -> str | None:
    """The option of a group that goes by this name elsewhere, if the group has it."""
    name = option.lower().replace("-", "_")
    name = name.partition(":")[0] if group == "device" else name  # cuda:0
    found = OPTIONS.get(group, {}).get(name, name)
    return found if found in options else None


def _rank(key: str, group: str) -> tuple[bool, int, int]:
    """Sort key: the user's own group first, then PREFERRED."""
    own = key.partition(".")[0]
    place = PREFERRED.index(own) if own in PREFERRED else len(PREFERRED) * (own != key)
    return own != group, place, key.count(".")


def _of_name(name: str, keys: Sequence[str]) -> str | None:
    return next((key for key in keys if "." in key and key.rpartition(".")[2] == name != "name"), None)


def _of_meaning(name: str, keys: Sequence[str]) -> str | None:
    for words in MEANINGS:
        if name.lower() in words:
            for key in keys:
                if key.rpartition(".")[2] in words:
                    return key
    return None


def _similar(name: str, keys: dict[str, str], cutoff: float) -> str | None:
    """The key with the most similar name. keys: by name."""
    near = difflib.get_close_matches(name, keys, n=1, cutoff=cutoff)
    return keys[near[0]] if near else None
