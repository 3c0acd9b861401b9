"""Every room's tables and subscriptions, so that each process knows all of them."""

from sqlalchemy import MetaData

from dripline.database import Base


def import_models() -> MetaData:
    """Import the models of all rooms; return the metadata that migrations go by."""
    import dripline.analytics.models
    import dripline.bot.admin.telling
    import dripline.broadcasts.models
    import dripline.broadcasts.segment_words
    import dripline.contacts.models
    import dripline.content.models
    import dripline.deliveries.models
    import dripline.engagement.attribution
    import dripline.engagement.fold
    import dripline.engagement.models
    import dripline.engagement.scores
    import dripline.engagement.segment_words
    import dripline.events.models
    import dripline.experiments.check
    import dripline.experiments.goals
    import dripline.experiments.models
    import dripline.lifecycle.check
    import dripline.lifecycle.models
    import dripline.lifecycle.reactions
    import dripline.lifecycle.segment_words
    import dripline.operators.models
    import dripline.payments.models
    import dripline.payments.reactions
    import dripline.payments.segment_words
    import dripline.rotations.check
    import dripline.rotations.models
    import dripline.rotations.reactions
    import dripline.scenarios.models
    import dripline.scenarios.reactions
    import dripline.scenarios.segment_words
    import dripline.webhooks.models  # noqa: F401 - subscriptions, words of segments

    return Base.metadata
