"""Which peers count as this machine."""

from collections.abc import Callable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address


def make_is_local(networks: Sequence[IPv4Network | IPv6Network]) -> Callable[[str], bool]:
    """A function that tells whether a peer's address lies in one of the networks."""

    def is_local(host: str) -> bool:
        try:
            address = ip_address(host)
        except ValueError:
            return False
        return any(address in network for network in networks)

    return is_local
