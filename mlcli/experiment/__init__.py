"""What the experiments of conf/experiment ask of their runs: one file each, one function that gives the answer."""
