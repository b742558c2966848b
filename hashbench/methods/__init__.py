"""Hashing methods: one module, one method, found in methods/ of the checkout, the wheel and every plugin root."""

from hashbench.plugins.plugin_path import plugin_folders

__path__ = plugin_folders(__file__, "methods")
