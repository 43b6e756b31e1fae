"""The community's board: everybody's records, held and spread beside the chains.

`Board` is what is held, `Keeper` brings it to the disk, `Sharing` to the peers. Nothing here touches a balance, and no
payment waits for it.
"""

from .board import Board
from .keeping import Keeper
from .sharing import Sharing

__all__ = ["Board", "Keeper", "Sharing"]
