package io.github.lomit_tf.demo.core;

/**
 * The model's change, brought to the picture's size and added within the masks (lomit_tf/imaging/paste_back.py): its
 * brightness is fitted by linear functions of the photograph's colours, so that it follows the photograph's edges.
 */
public final class PasteBack {
    /** Weights below it count as 0, so that the picture stays there to the bit. */
    public static final float MASK_FLOOR = 0.02f;
    /** Where the window ends within the picture, the change fades out over this share of the window's side. */
    public static final float BORDER = 1 / 16f;
    /** The photograph is approached in steps of this factor, each with an averaged copy of it as guide. */
    private static final int STEP = 4;

    /** Red, green, blue to brightness and two differences of colour (ITU-R BT.601), and back. */
    static final float[] TO_YCC = {
        0.299f, 0.587f, 0.114f, -0.168736f, -0.331264f, 0.5f, 0.5f, -0.418688f, -0.081312f,
    };
    private static final float[] TO_RGB = {1f, 0f, 1.402f, 1f, -0.344136f, -0.714136f, 1f, 1.772f, 0f};

    private PasteBack() {}

    /** What the model changed, in units of white: (painted - seen) / 2. */
    public static Planes change(Planes painted, Planes seen) {
        Planes change = new Planes(seen.width, seen.height, seen.channels);
        for (int i = 0; i < change.values.length; i++) {
            change.values[i] = (painted.values[i] - seen.values[i]) / 2f;
        }
        return change;
    }

    /** The share of a picture that chosen groups have, at most 1: size x size x 1. Groups that overlap share the place. */
    public static Planes share(Planes masks, boolean[] chosen) {
        return share(masks, chosen, new boolean[masks.channels]);
    }

    /** The same where some groups are apart, and share no place with others: `ModelDescription.isOverlapping`. */
    public static Planes share(Planes masks, boolean[] chosen, boolean[] apart) {
        Planes share = new Planes(masks.width, masks.height, 1);
        for (int i = 0; i < share.values.length; i++) {
            float all = 0f;
            float some = 0f;
            float others = 0f;
            for (int g = 0; g < masks.channels; g++) {
                float value = masks.values[i * masks.channels + g];
                all += apart[g] ? 0f : value;
                some += chosen[g] && !apart[g] ? value : 0f;
                others += chosen[g] && apart[g] ? value : 0f;
            }
            share.values[i] = Math.min(1f, some / Math.max(1f, all) + others);
        }
        return share;
    }

    /** Weights along one axis of a window: 1, and down to 0 at ends that lie within the picture. */
    public static float[] fading(int start, int length, int limit) {
        return fading(length, start > 0, start + length < limit);
    }

    /** The same, told whether it starts and whether it stops within the picture. */
    static float[] fading(int length, boolean starts, boolean stops) {
        float[] weights = new float[length];
        float ramp = Math.max(1f, BORDER * length);
        for (int i = 0; i < length; i++) {
            float low = starts ? (i + 0.5f) / ramp : 1f;
            float high = stops ? (length - i - 0.5f) / ramp : 1f;
            weights[i] = Math.min(1f, Math.min(low, high));
        }
        return weights;
    }

    /**
     * The picture with the change.
     *
     * @param change size x size x 3, in units of white.
     * @param weights width x height x 1 of any size, 0..1: where to make the change.
     * @param strength 0 leaves the picture as it is, more than 1 exaggerates.
     */
    public static Picture add(Picture picture, Window window, Planes change, Planes weights, float strength) {
        return add(picture, window, change, weights, strength, null);
    }

    /**
     * The same where the picture's own pixels move first (lomit_tf/photos/pasting.py). Nothing moves where no group's mask
     * is.
     *
     * @param moving null where nothing moves.
     */
    static Picture add(Picture picture, Window window, Planes change, Planes weights, float strength, Moving moving) {
        return add(picture, window, change, weights, strength, moving, false);
    }

    /** The same, of brightness alone where `grey`. */
    static Picture add(final Picture picture, final Window window, Planes change, final Planes weights,
            final float strength, final Moving moving, boolean grey) {
        if (window.angle != 0) {
            return TurnedPasteBack.add(picture, window, change, weights, strength, moving, grey);
        }
        final int[] argb = picture.argb.clone();
        final Filter[] where = Filter.raising(weights.width, weights.height, window.width, window.height);
        final float[] across = fading(window.left, window.width, picture.width);
        final float[] down = fading(window.top, window.height, picture.height);
        int[] rows = rows(weights, where[1], window, picture.height);
        if (rows == null) {
            return new Picture(picture.width, picture.height, argb);
        }
        raise(change, Rows.of(picture, window, moving), rows[0], rows[1], grey, new GuidedStep.Sink() {
            @Override
            public void row(int y, float[] line, int offset) {
                float[] small = new float[weights.width];
                float[] blend = new float[window.width];
                float[] rgb = new float[3];
                weights.row(where[1], y, small, 0);
                Planes.across(where[0], small, 0, blend, 0, 1);
                int row = (window.top + y) * picture.width + window.left;
                int end = Math.min(window.width, picture.width - window.left);
                for (int x = Math.max(0, -window.left); x < end; x++) {
                    float share = Math.min(1f, blend[x]);
                    argb[row + x] = pixel(argb[row + x], moving, window.left + x, window.top + y, share,
                            share * across[x] * down[y], strength, line, offset + 3 * x, rgb);
                }
            }
        });
        return new Picture(picture.width, picture.height, argb);
    }

    /**
     * A pixel of the picture, moved and changed.
     *
     * @param argb as it is.
     * @param x, y where it is in the picture.
     * @param share of the groups' masks, 0..1: below MASK_FLOOR it stays.
     * @param weight the same, faded out with the window: below MASK_FLOOR nothing is added.
     * @param change in units of white, red at `at`.
     * @param rgb three values to work with.
     */
    static int pixel(int argb, Moving moving, int x, int y, float share, float weight, float strength, float[] change,
            int at, float[] rgb) {
        if (share < MASK_FLOOR || moving == null && weight < MASK_FLOOR) {
            return argb;
        }
        if (moving == null) {
            rgb[0] = argb >> 16 & 255;
            rgb[1] = argb >> 8 & 255;
            rgb[2] = argb & 255;
        } else {
            moving.read(x, y, rgb);
        }
        float scale = weight < MASK_FLOOR ? 0f : weight * strength * 255f;
        return Preprocess.pixel(rgb[0] + scale * change[at], rgb[1] + scale * change[at + 1],
                rgb[2] + scale * change[at + 2]);
    }

    /** First and last row of the window within the picture where something may change; null without one. */
    private static int[] rows(Planes weights, Filter down, Window window, int height) {
        boolean[] marked = new boolean[weights.height];
        for (int i = 0; i < weights.values.length; i++) {
            marked[i / weights.width] |= weights.values[i] >= MASK_FLOOR;
        }
        int[] rows = null;
        for (int y = Math.max(0, -window.top); y < Math.min(window.height, height - window.top); y++) {
            for (int k = down.start[y]; k < down.end(y); k++) {
                if (marked[k]) {
                    rows = rows == null ? new int[] {y, y} : rows;
                    rows[1] = y;
                }
            }
        }
        return rows;
    }

    /**
     * paste_back.upsample_change, its rows first..last handed to a sink: brightness through the guided filter, the two
     * differences of colour bilinearly, since uneven colours would become fringes along the photograph's edges.
     *
     * @param grey whether to leave out the differences of colour, so that a grey photograph stays grey.
     */
    static void raise(Planes change, final Rows guide, int first, int last, final boolean grey,
            final GuidedStep.Sink sink) {
        final float[][] limits = limits(change);
        final Planes colours = new Planes(change.width, change.height, 3);
        for (int i = 0; i < colours.values.length; i += 3) {
            convert(TO_YCC, change.values, i, colours.values, i);
        }
        final Filter[] raising = Filter.raising(colours.width, colours.height, guide.width, guide.height);
        Planes guided = colours.channel(0);
        final float[][] range = limits(guided);
        while (Math.max(guided.width, guided.height) < Math.max(guide.width, guide.height)) {
            int width = Math.min(guide.width, STEP * guided.width);
            int height = Math.min(guide.height, STEP * guided.height);
            if (width == guide.width && height == guide.height) {
                break;
            }
            final Planes raised = new Planes(width, height, 1);
            new GuidedStep(guided, Rows.averaged(guide, width, height), 0, height - 1)
                    .run(0, height - 1, range[0], range[1], new GuidedStep.Sink() {
                        @Override
                        public void row(int y, float[] line, int offset) {
                            System.arraycopy(line, offset, raised.values, y * raised.width, raised.width);
                        }
                    });
            guided = raised;
        }
        new GuidedStep(guided, guide, first, last).run(first, last, range[0], range[1], new GuidedStep.Sink() {
            @Override
            public void row(int y, float[] brightness, int offset) {
                float[] small = new float[3 * colours.width];
                float[] plain = new float[3 * guide.width];
                float[] line = new float[3 * guide.width];
                colours.row(raising[1], y, small, 0);
                Planes.across(raising[0], small, 0, plain, 0, 3);
                for (int x = 0; x < plain.length; x += 3) {
                    plain[x] = brightness[offset + x / 3];
                    convert(TO_RGB, plain, x, line, x);
                    for (int c = 0; c < 3; c++) {
                        line[x + c] = Math.max(limits[0][c], Math.min(limits[1][c], line[x + c]));
                    }
                    if (grey) {
                        float luminance = TO_YCC[0] * line[x] + TO_YCC[1] * line[x + 1] + TO_YCC[2] * line[x + 2];
                        java.util.Arrays.fill(line, x, x + 3, luminance);
                    }
                }
                sink.row(y, line, 0);
            }
        });
    }

    /** Least and greatest value of each channel. */
    private static float[][] limits(Planes planes) {
        int n = planes.channels;
        float[] low = new float[n];
        float[] high = new float[n];
        java.util.Arrays.fill(low, Float.MAX_VALUE);
        java.util.Arrays.fill(high, -Float.MAX_VALUE);
        for (int i = 0; i < planes.values.length; i++) {
            low[i % n] = Math.min(low[i % n], planes.values[i]);
            high[i % n] = Math.max(high[i % n], planes.values[i]);
        }
        return new float[][] {low, high};
    }

    static void convert(float[] matrix, float[] from, int at, float[] to, int place) {
        float a = from[at];
        float b = from[at + 1];
        float c = from[at + 2];
        for (int i = 0; i < 3; i++) {
            to[place + i] = matrix[3 * i] * a + matrix[3 * i + 1] * b + matrix[3 * i + 2] * c;
        }
    }
}
