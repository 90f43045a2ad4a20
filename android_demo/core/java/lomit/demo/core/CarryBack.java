package lomit.demo.core;

/**
 * The model's change, brought to the picture's size and added within the masks (lomit_tf/imaging/carry_back.py).
 *
 * The change is raised bilinearly; Python's guided filter, which makes it follow the photograph's edges, is not here.
 */
public final class CarryBack {
    /** Weights below it count as 0, so that the picture stays there to the bit. */
    public static final float MASK_FLOOR = 0.02f;
    /** Where the window ends within the picture, the change fades out over this share of the window's side. */
    public static final float BORDER = 1 / 16f;

    private CarryBack() {}

    /** What the model changed, in units of white: (painted - seen) / 2. */
    public static Planes change(Planes painted, Planes seen) {
        Planes change = new Planes(seen.width, seen.height, seen.channels);
        for (int i = 0; i < change.values.length; i++) {
            change.values[i] = (painted.values[i] - seen.values[i]) / 2f;
        }
        return change;
    }

    /** The share of a picture that chosen groups have, at most 1: size x size x 1. */
    public static Planes share(Planes masks, boolean[] chosen) {
        Planes share = new Planes(masks.width, masks.height, 1);
        for (int i = 0; i < share.values.length; i++) {
            float all = 0f;
            float some = 0f;
            for (int g = 0; g < masks.channels; g++) {
                float value = masks.values[i * masks.channels + g];
                all += value;
                some += chosen[g] ? value : 0f;
            }
            share.values[i] = Math.min(1f, some / Math.max(1f, all));
        }
        return share;
    }

    /** Weights along one axis of a window: 1, and down to 0 at ends that lie within the picture. */
    public static float[] fading(int start, int length, int limit) {
        float[] weights = new float[length];
        float ramp = Math.max(1f, BORDER * length);
        for (int i = 0; i < length; i++) {
            float low = start > 0 ? (i + 0.5f) / ramp : 1f;
            float high = start + length < limit ? (length - i - 0.5f) / ramp : 1f;
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
        Filter[] colours = Filter.raising(change.width, change.height, window.width, window.height);
        Planes wide = change.widened(colours[0]);
        Filter[] where = Filter.raising(weights.width, weights.height, window.width, window.height);
        Planes wideWeights = weights.widened(where[0]);
        float[] across = fading(window.left, window.width, picture.width);
        float[] down = fading(window.top, window.height, picture.height);
        int[] argb = picture.argb.clone();
        float[] line = new float[3 * window.width];
        float[] blend = new float[window.width];
        for (int y = 0; y < window.height; y++) { // row by row: a photograph's change as floats would be 12 bytes a pixel
            wide.row(colours[1], y, line, 0);
            wideWeights.row(where[1], y, blend, 0);
            int row = (window.top + y) * picture.width + window.left;
            for (int x = 0; x < window.width; x++) {
                float weight = Math.min(1f, blend[x]) * across[x] * down[y];
                if (weight < MASK_FLOOR) {
                    continue;
                }
                float scale = weight * strength * 255f;
                int pixel = argb[row + x];
                argb[row + x] = Preprocess.pixel(
                        (pixel >> 16 & 255) + scale * line[3 * x],
                        (pixel >> 8 & 255) + scale * line[3 * x + 1],
                        (pixel & 255) + scale * line[3 * x + 2]);
            }
        }
        return new Picture(picture.width, picture.height, argb);
    }
}
