package io.github.lomit_tf.demo.core;

/**
 * A displacement of the model's size at the picture's own pixels, in pixels of the picture (moving.in_photograph). It fades
 * out with the window, as what is painted does.
 */
final class DisplacementField {
    /** First column and row, and the ones after the last, of the part of the picture outside of which nothing moves. */
    final int[] box;
    /** The same of the part of the picture in which the window lies. */
    final int[] inside;
    private final Planes small;
    private final Window window;
    private final Filter across;
    private final Filter down;
    private final float[] wide;
    private final float[] high;
    private final float cosine;
    private final float sine;
    private final Affine toWindow;

    private DisplacementField(Planes small, Window window, int width, int height, float strength) {
        this.small = small;
        this.window = window;
        inside = window.inside(width, height);
        across = Filter.linear(small.width, window.width);
        down = Filter.linear(small.height, window.height);
        boolean[] within = window.endsWithin(width, height);
        wide = PasteBack.fading(window.width, within[0], within[2]);
        high = PasteBack.fading(window.height, within[1], within[3]);
        for (int x = 0; x < wide.length; x++) {
            wide[x] *= strength;
        }
        cosine = window.angle == 0 ? 1f : (float) Math.cos(Math.toRadians(window.angle));
        sine = window.angle == 0 ? 0f : (float) Math.sin(Math.toRadians(window.angle));
        toWindow = window.fromPicture(inside);
        box = box();
    }

    /**
     * Null where nothing moves.
     *
     * @param displacement size x size x 2 in pixels of the model, to the right and downwards, along the window's rows and
     *     columns.
     * @param width, height of the picture.
     */
    static DisplacementField of(Planes displacement, Window window, int width, int height, float strength) {
        DisplacementField field = new DisplacementField(displacement, window, width, height, strength);
        return field.box == null ? null : field;
    }

    /** How far away the colours of the picture's pixel in column x and row y, inside the window's part, come from. */
    void at(int x, int y, float[] by) {
        by[0] = 0f;
        by[1] = 0f;
        if (window.angle == 0) {
            add(x - window.left, y - window.top, 1f, by);
            return;
        }
        int column = toWindow.x(x - inside[0], y - inside[1]);
        int row = toWindow.y(x - inside[0], y - inside[1]);
        float right = Affine.right(column);
        float below = Affine.right(row);
        for (int k = 0; k < 4; k++) {
            add(Affine.pixel(column) + (k & 1), Affine.pixel(row) + (k >> 1),
                    ((k & 1) == 0 ? 1f - right : right) * (k >> 1 == 0 ? 1f - below : below), by);
        }
        float u = by[0];
        by[0] = cosine * u - sine * by[1];
        by[1] = sine * u + cosine * by[1];
    }

    /** Adds a share of what the window's pixel in column i and row j is displaced by; nothing beyond the window. */
    private void add(int i, int j, float share, float[] by) {
        if (i < 0 || j < 0 || i >= window.width || j >= window.height) {
            return;
        }
        float u = 0f;
        float v = 0f;
        for (int k = 0; k < down.weights[j].length; k++) {
            for (int n = 0; n < across.weights[i].length; n++) {
                int from = 2 * ((down.start[j] + k) * small.width + across.start[i] + n);
                float part = down.weights[j][k] * across.weights[i][n];
                u += part * small.values[from];
                v += part * small.values[from + 1];
            }
        }
        float weight = share * wide[i] * high[j];
        by[0] += weight * u * window.width / small.width;
        by[1] += weight * v * window.height / small.height;
    }

    private int[] box() {
        boolean[] columns = new boolean[small.width];
        boolean[] rows = new boolean[small.height];
        for (int i = 0; i < small.values.length; i++) {
            if (small.values[i] != 0f) {
                columns[i / 2 % small.width] = true;
                rows[i / 2 / small.width] = true;
            }
        }
        int[] x = reached(across, columns);
        int[] y = reached(down, rows);
        if (x == null || y == null) { // there is none; or the window is smaller than it, and leaves entries out
            return null;
        }
        int[] part = {window.left + x[0], window.top + y[0], window.left + x[1] + 1, window.top + y[1] + 1};
        if (window.angle != 0) {
            part = new int[] {Integer.MAX_VALUE, Integer.MAX_VALUE, Integer.MIN_VALUE, Integer.MIN_VALUE};
            for (int k = 0; k < 4; k++) { // of pixels around it, between which the picture's lie
                double[] corner = window.toPicture().at((k & 1) == 0 ? x[0] - 1 : x[1] + 1, k >> 1 == 0 ? y[0] - 1 : y[1] + 1);
                for (int axis = 0; axis < 2; axis++) {
                    part[axis] = Math.min(part[axis], (int) Math.floor(corner[axis]));
                    part[axis + 2] = Math.max(part[axis + 2], (int) Math.ceil(corner[axis]) + 1);
                }
            }
        }
        for (int axis = 0; axis < 2; axis++) {
            part[axis] = Math.max(inside[axis], part[axis]);
            part[axis + 2] = Math.min(inside[axis + 2], part[axis + 2]);
        }
        return part[0] < part[2] && part[1] < part[3] ? part : null;
    }

    /** First and last output of a filter that takes something from the inputs that are marked; null without one. */
    private static int[] reached(Filter filter, boolean[] marked) {
        int[] found = null;
        for (int i = 0; i < filter.start.length; i++) {
            boolean some = false;
            for (int k = filter.start[i]; k < filter.end(i); k++) {
                some |= marked[k];
            }
            if (some) {
                found = found == null ? new int[] {i, i} : found;
                found[1] = i;
            }
        }
        return found;
    }
}
