"""Whether the network is there, asked only on request."""

import urllib.error
import urllib.request

from hashbench.doctor.finding import Finding

URL = "https://download.pytorch.org/models/squeezenet1_1-b8a52dc0.pth"  # published weights, of which no byte is read
TIMEOUT_SECONDS = 10.0


def network_access(url: str = URL, timeout: float = TIMEOUT_SECONDS) -> Finding:
    """Whether published weights can be downloaded: asks their host for the headers of one file."""
    request = urllib.request.Request(url, method="HEAD")  # noqa: S310 - a constant
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:  # noqa: S310
            return Finding("network", "fine", f"{url}: status {response.status}")
    except OSError as error:
        way_out = "set https_proxy if there is one; else run with --offline, and name weights with --weights NAME=FILE"
        return Finding("network", "note", f"{url} cannot be reached ({error})", way_out)
