"""The word of segments that this room knows: who got which broadcast."""

from sqlalchemy import exists

from dripline.broadcasts.models import Broadcast, Missed
from dripline.contacts.segment_given import Given
from dripline.contacts.segment_telling import tells
from dripline.contacts.segment_tree import Predicate
from dripline.contacts.segment_words import among, register
from dripline.deliveries.models import DeliveryKey
from dripline.texts import gettext as _


def _got_broadcast(given: Given) -> Predicate:
    """Who was missed has a key too, when the message failed for good on its way to them."""
    keys = given.choices(given.names.broadcasts, "broadcast")
    missed = exists().where(
        Missed.broadcast_id == DeliveryKey.origin_id, Missed.contact_id == DeliveryKey.contact_id
    )
    return among(
        DeliveryKey.contact_id,
        DeliveryKey.origin_id == Broadcast.id,
        Broadcast.key.in_(keys),
        DeliveryKey.run == 1,
        DeliveryKey.resend == 0,
        ~missed,
    )


register(
    "got_broadcast",
    "was sent this broadcast, or any of several",
    '{"not": {"got_broadcast": "bc_1"}}',
    read=_got_broadcast,
)
tells(
    "got_broadcast",
    lambda value, t: _("got the broadcast {name}", t.language, name=t.either(value, t.broadcasts)),
)
