"""What happens by the clock."""

import os
from datetime import UTC, datetime

import dagster as dg

from singleline_pipeline.orchestration.jobs import MODEL_ASSETS, retrain_job


@dg.schedule(
    job=retrain_job,
    cron_schedule="0 3 * * 0",
    execution_timezone=os.environ.get("SINGLELINE_TIMEZONE") or "UTC",
    description="Retrains both models at the story's sizes in the night to Sunday, if a sketchbook has changed "
    "since they were last trained. Off until it is switched on here: a training takes the machine for hours. The "
    "clock is that of SINGLELINE_TIMEZONE (Europe/Berlin, say), else UTC.",
)
def weekly_retraining(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Ask for a retraining unless it would see what the models have already seen."""
    drawings = _last_made(context.instance, "filtered_drawings")
    if drawings is None:
        return dg.SkipReason("There are no drawings to train on yet: no sketchbook has been processed.")
    trained = [_last_made(context.instance, model) for model in MODEL_ASSETS]
    if all(time is not None and time > drawings for time in trained):
        since = datetime.fromtimestamp(drawings, UTC).strftime("%Y-%m-%d %H:%M UTC")
        return dg.SkipReason(f"Both models were trained after the last change of a sketchbook ({since}).")
    story = {model: {"config": {"preset": "story"}} for model in MODEL_ASSETS}
    return dg.RunRequest(run_config={"ops": story})


def _last_made(instance: dg.DagsterInstance, asset: str) -> float | None:
    event = instance.get_latest_materialization_event(dg.AssetKey(asset))
    return None if event is None else event.timestamp


schedules = [weekly_retraining]
