"""One pyarrow schema an asset: the contract between the steps, shown in the Dagster UI as the column schema.

Every field carries a description and, where it has one, a unit. Coordinates: x right, y down. A stroke is a
list of points; a drawing or a page is a list of strokes. `page px` are pixels of the page as scanned, upright;
`units` are the drawing's own canvas, 200 on its longer side. The size of an `embedding` or `centroid` is its
encoder's: the lake takes any.
"""

import pyarrow as pa


def _column(
    name: str, kind: pa.DataType, description: str, unit: str | None = None, *, nullable: bool = False
) -> pa.Field:
    metadata = {"description": description} | ({"unit": unit} if unit else {})
    return pa.field(name, kind, nullable=nullable, metadata=metadata)


STROKES = pa.list_(pa.list_(pa.list_(pa.float32(), 2)))
STROKE3 = pa.list_(pa.list_(pa.float32(), 3))
BOX = pa.list_(pa.float32(), 4)
CORNERS = pa.list_(pa.list_(pa.float32(), 2))
IMAGE = pa.struct([pa.field("bytes", pa.binary()), pa.field("path", pa.string())])
IGNORED = pa.list_(pa.struct([pa.field("kind", pa.string()), pa.field("box", BOX)]))
STATISTICS = pa.map_(pa.string(), pa.float32())

_PAGE_ID = _column("page_id", pa.string(), "The page: sketchbook, p, file stem (sb48p005)")
_SKETCHBOOK = _column("sketchbook", pa.string(), "The sketchbook, and partition, that it belongs to")
_PAGE_SHA256 = _column("sha256", pa.string(), "SHA-256 of the page's file: the key that labels by hand go by")
_DRAWING_ID = _column(
    "drawing_id", pa.string(), "The drawing: its page's id, d, a number from 01 (sb48p005d01)"
)
_GROUP_OF_STROKE = _column(
    "group",
    pa.list_(pa.int32()),
    "Provisional drawing that each stroke belongs to: strokes of two are never joined",
)
_ENCODER = [
    _column("encoder", pa.string(), "Encoder that made the vector"),
    _column("encoder_version", pa.string(), "Version of the encoder and its weights"),
]
_SETTLED = _column(
    "settled",
    pa.list_(pa.int32()),
    "Provisional drawings that were split off or merged by hand: their boxes are merged with no other",
)
_EMBEDDING = [
    _column("embedding", pa.list_(pa.float32(), 1), "Vector of the encoder (its size is the encoder's)"),
    *_ENCODER,
    _column("statistics", STATISTICS, "Statistics of the picture by name: colour, darkness, ink, and others"),
]
_SAME_PAGE = [
    _column("same_page", pa.string(), "Earlier page that this one is another scan of, if any", nullable=True),
    _column(
        "same_page_likeness",
        pa.float32(),
        "Correlation of the ink of both, laid over each other",
        "0-1",
        nullable=True,
    ),
    _column(
        "onto_same_page",
        pa.list_(pa.float32(), 6),
        "Affine map, row by row, from px of this page to px of that one",
        nullable=True,
    ),
]
_CLUSTERS = [
    _column("fit_id", pa.string(), "The fit that these centroids come from: a hash of its content"),
    _column("cluster", pa.int32(), "Number of the cluster within its fit"),
    _column("centroid", pa.list_(pa.float32(), 1), "Centroid, in the space of the embeddings"),
    _column("size", pa.int32(), "Members when it was fitted", "rows"),
    _column("radius", pa.float32(), "Distance that 95 % of its members are within", "embedding distance"),
    _column("members", pa.list_(pa.string()), "Keys of the members when it was fitted"),
    _column(
        "suggested_name", pa.string(), "What most of its members look like; a suggestion, nobody said so"
    ),
    _column("name", pa.string(), "Name given by hand, or carried over from the last fit", nullable=True),
    _column(
        "agreement", pa.float32(), "Share of already named members that have this name", "0-1", nullable=True
    ),
    _column("encoder", pa.string(), "Encoder of the vectors that were fitted"),
    _column("encoder_version", pa.string(), "Its version"),
]
_MADE_FROM = _column(
    "made_from", pa.string(), "Hash of the rows and vectors of this map: while it is the same, places stay"
)
_LINE = [
    _column("strokes_before", pa.int32(), "Strokes that came in", "strokes"),
    _column("strokes_after", pa.int32(), "Strokes that went out", "strokes"),
    _column("strokes_dropped", pa.int32(), "Strokes dropped for being too short", "strokes"),
    _column("length", pa.float32(), "Length of the line that came in", "page px"),
    _column("added", pa.float32(), "Length of line added, that nobody drew", "page px"),
    _column("retraced", pa.float32(), "Length of line that is drawn once more", "page px"),
    _column("lost", pa.float32(), "Length of drawn line that is no longer there, erased or not", "page px"),
]
_HISTORY = [
    _column("run", pa.string(), "The training run: name of the folder that holds its weights"),
    _column("step", pa.int32(), "Optimizer steps so far", "steps"),
    _column("epoch", pa.float32(), "Passes over the training split so far", "epochs"),
    _column("split", pa.string(), "train (mean since the last row) or valid"),
    _column("loss", pa.float32(), "The loss that is minimised", "nats a point", nullable=True),
    _column("xy", pa.float32(), "Negative log density of the offsets", "nats a point", nullable=True),
    _column(
        "pen", pa.float32(), "Cross-entropy of the pen state, the end apart", "nats a point", nullable=True
    ),
    _column("kl", pa.float32(), "KL of the latent from its prior", "nats a drawing", nullable=True),
    _column("kl_weight", pa.float32(), "Weight of the KL in the loss at this step", nullable=True),
    _column(
        "nll_per_point", pa.float32(), "xy + pen: the score without the KL", "nats a point", nullable=True
    ),
    _column(
        "nats_per_point",
        pa.float32(),
        "The score: negative ELBO, lower is better",
        "nats a point",
        nullable=True,
    ),
    _column(
        "nats_per_token",
        pa.float32(),
        "Token variant: negative log probability of a code, the end apart",
        "nats a token",
        nullable=True,
    ),
    _column("tokens_per_point", pa.float32(), "Token variant: codes a point takes", "tokens", nullable=True),
    _column(
        "token_nats_per_point",
        pa.float32(),
        "Token variant: its score, of probabilities, not to be compared with nats_per_point",
        "nats a point",
        nullable=True,
    ),
    _column("learning_rate", pa.float32(), "Learning rate at this step", nullable=True),
    _column(
        "gradient_norm",
        pa.float32(),
        "Largest norm of the whole gradient, before clipping, since the last row",
        nullable=True,
    ),
    _column(
        "skipped",
        pa.list_(pa.int32()),
        "Training drawings of the steps since the last row that were left out as spikes",
    ),
    _column("seconds", pa.float32(), "Processor time since the first step", "s"),
]
_SAMPLES = [
    _column(
        "sample_id",
        pa.string(),
        "kind, temperature, variability where there is any, and number of the sample",
    ),
    _column("run", pa.string(), "The training run whose weights drew it"),
    _column("kind", pa.string(), "free, reconstruction, completion or interpolation"),
    _column("temperature", pa.float32(), "Sampling temperature"),
    _column("seed", pa.int64(), "Seed that it was drawn with"),
    _column("stroke3", STROKE3, "The drawing as rows of dx, dy, lift_pen", "units"),
    _column("points", pa.int32(), "Rows of stroke3", "points"),
    _column("ended", pa.bool_(), "Whether the model ended it by itself, before the limit of points"),
    _column(
        "source_drawing", pa.string(), "Drawing that it reconstructs, completes or starts from", nullable=True
    ),
    _column("svg", pa.string(), "Animated SVG that draws the line"),
    _column("plotter_svg", pa.string(), "The same line for a pen plotter, in mm"),
]

SCHEMAS: dict[str, pa.Schema] = {
    name: pa.schema(columns)
    for name, columns in {
        "raw_pages": [
            _PAGE_ID,
            _SKETCHBOOK,
            _column("folder", pa.string(), "Folder that it lay in: art, notes or cover"),
            _column(
                "path", pa.string(), "Path of the file below the folder of sketchbooks, scanned or imported"
            ),
            _PAGE_SHA256,
            _column("width", pa.int32(), "Width, upright", "px"),
            _column("height", pa.int32(), "Height, upright", "px"),
            _column("image", IMAGE, "The file's own bytes, untouched, and its path"),
            _column("thumbnail", pa.binary(), "Small JPEG, at most 256 px", "bytes"),
        ],
        "rejected_pages": [
            _SKETCHBOOK,
            _column(
                "path", pa.string(), "Path of the file below the folder of sketchbooks, scanned or imported"
            ),
            _column(
                "sha256", pa.string(), "SHA-256 of the file, where its bytes could be had", nullable=True
            ),
            _column("reason", pa.string(), "Why it was not taken, and what to do about it"),
        ],
        "page_embeddings": [
            _PAGE_ID,
            _SKETCHBOOK,
            _column("folder", pa.string(), "Folder that the page lay in"),
            _PAGE_SHA256,
            *_EMBEDDING,
        ],
        "page_clusters": _CLUSTERS,
        "page_groups": [
            _PAGE_ID,
            _SKETCHBOOK,
            _PAGE_SHA256,
            _column("group", pa.string(), "drawings, watercolors, notes, badscans, covers, or unlabelled"),
            _column("decided_by", pa.string(), "hand, cluster (its name), suggestion, or nobody"),
            _column("suggestion", pa.string(), "What folder and statistics suggest"),
            _column("fit_id", pa.string(), "Fit whose centroids were looked at", nullable=True),
            _column("cluster", pa.int32(), "Nearest centroid of that fit", nullable=True),
            _column("distance", pa.float32(), "Distance to it", "embedding distance", nullable=True),
        ],
        "strokes": [
            _PAGE_ID,
            _SKETCHBOOK,
            _PAGE_SHA256,
            _column("width", pa.int32(), "Width of the page", "px"),
            _column("height", pa.int32(), "Height of the page", "px"),
            _column("strokes", STROKES, "Centerlines of the pen", "page px"),
            _GROUP_OF_STROKE,
            _column("pen_width", pa.float32(), "Width of the pen's line", "page px"),
            _column("skew", pa.float32(), "How far the page lies turned clockwise on its scan", "degrees"),
            _column(
                "paper",
                CORNERS,
                "Corners of the sheet, clockwise from its top left; those of the scan where it fills it",
                "page px",
            ),
            _column(
                "ignored",
                IGNORED,
                "What was taken for binder, number, speck or edge, with its box",
                "page px",
            ),
        ],
        "joined_strokes": [
            _PAGE_ID,
            _SKETCHBOOK,
            _PAGE_SHA256,
            _column("strokes", STROKES, "Strokes after joining end to end", "page px"),
            _GROUP_OF_STROKE,
            _SETTLED,
            _column("erased", pa.list_(BOX), "Boxes of the strokes that were erased by hand", "page px"),
            *_LINE,
        ],
        "spliced_strokes": [
            _PAGE_ID,
            _SKETCHBOOK,
            _PAGE_SHA256,
            _column("strokes", STROKES, "Strokes after splicing them into each other", "page px"),
            _GROUP_OF_STROKE,
            _SETTLED,
            *_LINE,
        ],
        "drawings": [
            _DRAWING_ID,
            _PAGE_ID,
            _SKETCHBOOK,
            _PAGE_SHA256,
            _column("box", BOX, "x0, y0, x1, y1 of the drawing on its page", "page px"),
            _column(
                "scale", pa.float32(), "Units of the drawing's canvas that a pixel of the page is", "units/px"
            ),
            _column("strokes", STROKES, "Strokes on the drawing's own canvas", "units"),
            _column("n_strokes", pa.int32(), "Number of strokes", "strokes"),
            _column("n_points", pa.int32(), "Number of points, before simplifying", "points"),
        ],
        "drawing_embeddings": [_DRAWING_ID, _PAGE_ID, _SKETCHBOOK, _PAGE_SHA256, *_EMBEDDING],
        "drawing_clusters": _CLUSTERS,
        "filtered_drawings": [
            _DRAWING_ID,
            _PAGE_ID,
            _SKETCHBOOK,
            _PAGE_SHA256,
            _column("box", BOX, "x0, y0, x1, y1 of the drawing on its page", "page px"),
            _column("strokes", STROKES, "Strokes on the drawing's own canvas", "units"),
            _column("kept", pa.bool_(), "Whether the drawing goes on to the dataset"),
            _column("reason", pa.string(), "Why it does not, where it does not", nullable=True),
            _column("decided_by", pa.string(), "hand, cluster, minimum, or nobody (kept)"),
            _column("fit_id", pa.string(), "Fit whose centroids were looked at", nullable=True),
            _column("cluster", pa.int32(), "Nearest centroid of that fit", nullable=True),
            _column("distance", pa.float32(), "Distance to it", "embedding distance", nullable=True),
        ],
        "stroke3_dataset": [
            _DRAWING_ID,
            _PAGE_ID,
            _SKETCHBOOK,
            _column("split", pa.string(), "train, valid or test, from a hash of the page"),
            _column("stroke3", STROKE3, "Rows of dx, dy, lift_pen; the first from (0, 0)", "units"),
            _column("points", pa.int32(), "Rows of stroke3", "points"),
            _column("strokes", pa.int32(), "Strokes", "strokes"),
            _column("epsilon", pa.float32(), "Tolerance that the drawing was simplified with", "units"),
        ],
        "augmented_dataset": [
            _DRAWING_ID,
            _column("variant", pa.int32(), "Number of the variant, from 0"),
            _column("split", pa.string(), "train, valid or test: the drawing's own"),
            _column("reversed", pa.bool_(), "Whether the line is drawn from its end"),
            _column("rotation", pa.float32(), "Rotation, clockwise on the page", "degrees"),
            _column("scale", pa.float32(), "Enlargement", "factor"),
            _column(
                "drop_probability", pa.float32(), "Probability with which inner points were dropped", "0-1"
            ),
            _column("seed", pa.int64(), "Seed of the variant"),
            _column("stroke3", STROKE3, "Rows of dx, dy, lift_pen", "units"),
            _column("points", pa.int32(), "Rows of stroke3", "points"),
        ],
        "stroke_codebook": [
            _column("code", pa.int32(), "The token"),
            _column(
                "pen_state",
                pa.string(),
                "down (closes a row, the pen draws on), up (closes it and lifts) or carry (the row goes on)",
            ),
            _column("dx", pa.float32(), "What it adds to the pen's place", "units"),
            _column("dy", pa.float32(), "What it adds to the pen's place", "units"),
            _column("count", pa.int64(), "How often it is used in the train split", "tokens"),
        ],
        "sketch_rnn": _HISTORY,
        "sketch_transformer": _HISTORY,
        "model_comparison": [
            _column(
                "model", pa.string(), "The model; held-out or train for the drawings; b - a for a difference"
            ),
            _column("run", pa.string(), "The training run whose weights it has", nullable=True),
            _column(
                "metric",
                pa.string(),
                "nats_per_point, long_range, endings, closing, two_sample or copying",
            ),
            _column("part", pa.string(), "What of it the figure is"),
            _column(
                "temperature",
                pa.float32(),
                "Temperature of the samples, where it is of samples",
                nullable=True,
            ),
            _column("value", pa.float64(), "The figure, in its unit"),
            _column("spread", pa.float64(), "Its standard error, or deviation over resamples", nullable=True),
            _column("low", pa.float64(), "Lower end of its 95 % interval", nullable=True),
            _column("high", pa.float64(), "Upper end of its 95 % interval", nullable=True),
            _column("n", pa.int32(), "Drawings or samples that it is taken over"),
            _column("unit", pa.string(), "Unit of the value"),
        ],
        "sketch_rnn_samples": _SAMPLES,
        "sketch_transformer_samples": _SAMPLES,
        "page_map": [
            _PAGE_ID,
            _SKETCHBOOK,
            _PAGE_SHA256,
            _column("x", pa.float32(), "t-SNE"),
            _column("y", pa.float32(), "t-SNE"),
            _column("group", pa.string(), "Group of the page"),
            _column("thumbnail", pa.binary(), "Small JPEG", "bytes"),
            *_SAME_PAGE,
            *_ENCODER,
            _MADE_FROM,
        ],
        "drawing_map": [
            _DRAWING_ID,
            _SKETCHBOOK,
            _PAGE_SHA256,
            _column("box", BOX, "x0, y0, x1, y1 of the drawing on its page", "page px"),
            _column("x", pa.float32(), "t-SNE"),
            _column("y", pa.float32(), "t-SNE"),
            _column("group", pa.string(), "kept, or the reason why not"),
            _column("thumbnail", pa.binary(), "Small picture", "bytes"),
            *_ENCODER,
            _MADE_FROM,
        ],
    }.items()
}
