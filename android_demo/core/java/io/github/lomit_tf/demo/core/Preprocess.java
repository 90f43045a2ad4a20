package io.github.lomit_tf.demo.core;

/** Pictures as the model sees them, as lomit_tf/data/preprocess.py makes them. */
public final class Preprocess {
    private Preprocess() {}

    /**
     * A window of a picture at the model's size: antialiased bilinear, rounded to 0..255 (half to even). In TensorFlow's
     * order, height before width: a quantised model makes of one grey level in one pixel several in many.
     *
     * @return size x size pixels, opaque.
     */
    public static Picture resize(Picture picture, Window window, int size) {
        Filter across = Filter.antialiased(window.width, size);
        Filter down = Filter.antialiased(window.height, size);
        Rows rows = Rows.of(picture, window);
        float[] row = new float[3 * window.width];
        float[] wide = new float[3 * window.width];
        int[] argb = new int[size * size];
        float[] line = new float[size * 3];
        for (int y = 0; y < size; y++) {
            java.util.Arrays.fill(wide, 0f);
            for (int k = 0; k < down.weights[y].length; k++) {
                rows.read(down.start[y] + k, row);
                for (int i = 0; i < wide.length; i++) {
                    wide[i] += down.weights[y][k] * row[i];
                }
            }
            Planes.across(across, wide, 0, line, 0, 3);
            for (int x = 0; x < size; x++) {
                argb[y * size + x] = pixel(line[3 * x], line[3 * x + 1], line[3 * x + 2]);
            }
        }
        return new Picture(size, size, argb);
    }

    /** 0..255 -> -1..1, RGB. */
    public static Planes toModelRange(Picture picture) {
        Planes planes = new Planes(picture.width, picture.height, 3);
        for (int i = 0; i < picture.argb.length; i++) {
            for (int c = 0; c < 3; c++) {
                planes.values[3 * i + c] = ((picture.argb[i] >> (16 - 8 * c) & 255) - 127.5f) * (1f / 127.5f);
            }
        }
        return planes;
    }

    /** -1..1 -> 0..255, rounded and clipped. */
    public static Picture fromModelRange(Planes planes) {
        int[] argb = new int[planes.width * planes.height];
        float[] v = planes.values;
        for (int i = 0; i < argb.length; i++) {
            argb[i] = pixel((v[3 * i] + 1f) * 127.5f, (v[3 * i + 1] + 1f) * 127.5f, (v[3 * i + 2] + 1f) * 127.5f);
        }
        return new Picture(planes.width, planes.height, argb);
    }

    /** An opaque pixel of values that are rounded (half to even) and clipped to 0..255. */
    static int pixel(float red, float green, float blue) {
        return 0xff000000 | level(red) << 16 | level(green) << 8 | level(blue);
    }

    private static int level(float value) {
        return (int) Math.max(0.0, Math.min(255.0, Math.rint(value)));
    }
}
