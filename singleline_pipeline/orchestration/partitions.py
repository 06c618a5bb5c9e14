"""What the pipeline is cut into."""

import dagster as dg

# A partition a sketchbook. Pages are rows: a run for each of some thousand pages would cost seconds a page.
sketchbooks = dg.DynamicPartitionsDefinition(name="sketchbooks")
