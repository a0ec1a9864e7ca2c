"""Everything that is fetched from the web. Nothing else here touches the network, but captioners that are
servers.

    content = fetch("https://example.org/dog.jpg")          # one picture that a person named
    answer = Visitor(Manners()).get(address)                # many: robots.txt, a pace, and asking again
"""

from .addresses import is_address
from .client import Answer, Request, fetch, get
from .manners import Manners
from .visitor import Visitor
from .waiting import seconds_to_wait

__all__ = ["Answer", "Manners", "Request", "Visitor", "fetch", "get", "is_address", "seconds_to_wait"]
