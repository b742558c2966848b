"""Data sets: one module, one data set, found in datasets/ of the checkout, the wheel and every plugin root."""

from hashbench.plugins.plugin_path import plugin_folders

__path__ = plugin_folders(__file__, "datasets")
