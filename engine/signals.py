"""Signals the engine sends after a commit. A receiver's failure never undoes the step.

Every signal's sender is the engine (``None``); its keyword arguments are ids, never payload.
"""

from blinker import Namespace

_signals = Namespace()

instance_started = _signals.signal("instance-started")
"""A matter began. ``instance_id``."""

instance_ended = _signals.signal("instance-ended")
"""A matter was completed or cancelled. ``instance_id``, ``status``, ``outcome``."""

task_created = _signals.signal("task-created")
"""A task waits for somebody. ``instance_id``, ``task_id``, ``element``."""

task_completed = _signals.signal("task-completed")
"""A person completed a task. ``instance_id``, ``task_id``, ``element``."""

task_sent_back = _signals.signal("task-sent-back")
"""A task was sent back. ``instance_id``, ``task_id``, ``element``, ``target``."""

people_reminded = _signals.signal("people-reminded")
"""Somebody reminded those who are still missing in a step. ``instance_id``, ``task_ids``."""

duty_due = _signals.signal("duty-due")
"""Organisations are reminded of what they owe. ``duty_ids``. It may come twice for the same."""

duty_late = _signals.signal("duty-late")
"""Organisations did not do in time what they owe. ``duty_ids``. It may come twice for the same."""

membership_changed = _signals.signal("membership-changed")
"""A person's membership status changed. ``person_id``, ``status``, ``since``."""

incident_recorded = _signals.signal("incident-recorded")
"""The engine could not carry out a command. ``incident_id``, ``instance_id``."""

rule_breached = _signals.signal("rule-breached")
"""A matter no longer meets a rule. ``instance_id``, ``finding_id``."""
