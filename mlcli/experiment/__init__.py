"""Conclusions of the experiments in conf/experiment."""
