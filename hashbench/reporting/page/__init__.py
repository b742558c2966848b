"""The leaderboard as one HTML page that opens from disk and needs no network."""

from hashbench.reporting.page.page import html as html
