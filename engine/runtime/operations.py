"""The commands: everything that changes a matter. Each is one transaction and safe to repeat.

No other path changes an instance. Every command takes the actor and the clock explicitly, opens its
own unit of work, and raises a typed error when it changes nothing. ``command_id`` makes a second
submission of the same form return what the first one came to.
"""

from engine.runtime.applying import DELIVER_MESSAGE, FIRE_TIMERS, enqueue_timers
from engine.runtime.assignment import claim_task, delegate_task, unclaim_task
from engine.runtime.commands import Done
from engine.runtime.completing import complete_task
from engine.runtime.messages import deliver_outbox, send_message
from engine.runtime.participants import add_participant, remind_people, remove_participant
from engine.runtime.sending_back import send_back
from engine.runtime.starting import start_instance
from engine.runtime.steering import cancel_instance, resume_instance, suspend_instance
from engine.runtime.timers import fire_timers

__all__ = [
    "DELIVER_MESSAGE",
    "FIRE_TIMERS",
    "Done",
    "add_participant",
    "cancel_instance",
    "claim_task",
    "complete_task",
    "delegate_task",
    "deliver_outbox",
    "enqueue_timers",
    "fire_timers",
    "remind_people",
    "remove_participant",
    "resume_instance",
    "send_back",
    "send_message",
    "start_instance",
    "suspend_instance",
    "unclaim_task",
]
