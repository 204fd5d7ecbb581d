"""The normal distribution's quantile of 95 % intervals."""

NORMAL_95 = 1.959964  # standard errors on each side of a mean
