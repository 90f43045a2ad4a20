package io.github.lomit_tf.demo.core;

/**
 * Colours on what was painted freely before: where a smile has moved the lips, lipstick goes onto the new ones
 * (lomit_tf/photos/second_look.py, which has the equation).
 */
final class SecondLook {
    /** A change, in units of -1..1, from which on masks are half those of what was painted. */
    private static final float VISIBLE = 0.05f;
    /** The change's size is averaged over squares that reach so many pixels to each side. */
    private static final int REACH = 2;

    private SecondLook() {}

    /** Whether colours and a group that lies on others are transferred together, by a model that can take them apart. */
    static boolean isNeeded(ModelDescription model, boolean[] transferred) {
        boolean near = false;
        boolean coloured = false;
        for (int g = 0; g < transferred.length; g++) {
            near |= transferred[g] && model.isOverlapping(g);
            coloured |= transferred[g] && model.isColour(g);
        }
        return near && coloured && model.transfer;
    }

    /**
     * What the model sees with the free groups' change in it: size x size x 3 in -1..1.
     *
     * @param pixels what the model sees, moved where the model moves any.
     */
    static Planes picture(Planes pixels, Planes raw, Planes share) {
        Planes made = new Planes(pixels.width, pixels.height, pixels.channels);
        for (int i = 0; i < made.values.length; i++) {
            float change = share.values[i / made.channels] * (raw.values[i] - pixels.values[i]);
            made.values[i] = Math.max(-1f, Math.min(1f, pixels.values[i] + change));
        }
        return made;
    }

    /**
     * Masks whose colour groups are those of what was painted, `found`, wherever something was.
     *
     * @param drawn groups whose masks a person drew on, which stay as they are.
     */
    static Planes masks(ModelDescription model, Planes before, Planes painted, Planes masks, Planes found,
            boolean[] drawn) {
        float[] size = new float[masks.width * masks.height];
        for (int i = 0; i < before.values.length; i++) {
            size[i / before.channels] += Math.abs(painted.values[i] - before.values[i]) / before.channels;
        }
        Planes seen = new Planes(masks.width, masks.height, masks.channels, masks.values.clone());
        for (int i = 0; i < size.length; i++) {
            float mean = mean(size, masks.width, i % masks.width, i / masks.width);
            float share = mean * mean / (mean * mean + VISIBLE * VISIBLE);
            for (int g = 0; g < masks.channels; g++) {
                int at = i * masks.channels + g;
                seen.values[at] += model.isColour(g) && !drawn[g] ? share * (found.values[at] - masks.values[at]) : 0f;
            }
        }
        return seen;
    }

    /** The mean around a pixel; beyond the sides the plane goes on mirrored, without its last row or column. */
    private static float mean(float[] plane, int width, int x, int y) {
        int height = plane.length / width;
        float sum = 0f;
        for (int v = y - REACH; v <= y + REACH; v++) {
            for (int u = x - REACH; u <= x + REACH; u++) {
                sum += plane[mirrored(v, height) * width + mirrored(u, width)];
            }
        }
        int side = 2 * REACH + 1;
        return sum / (side * side);
    }

    private static int mirrored(int at, int length) {
        return at < 0 ? -at : at >= length ? 2 * (length - 1) - at : at;
    }
}
