package io.github.lomit_tf.demo.core;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;

/**
 * Where hair, skin, background and clothes lie in pictures of faces (lomit_tf/imaging/face_layouts.py; docs/method.md,
 * eqs. (9.20) and (9.21)). tools/android/assets.py writes them.
 */
public final class Layouts {
    /** Pixels along each side at which a picture's own layout is looked for. */
    static final int SIZE = 64;
    private static final int COARSE = 16; // and at which regions are compared with layouts
    private static final double SHARPNESS = 0.1; // how much one coarse pixel says about which layout a picture has
    private static final double LEAST = 1e-4;
    private static final int MOST = 1024; // layouts, or pixels of a side, that a file may have

    /** Of all pictures. */
    final Planes mean;
    private final Planes[] each;
    private final double[] shares;
    private final double[][] logarithms;

    private Layouts(Planes mean, Planes[] each, double[] shares) {
        this.mean = mean;
        this.each = each;
        this.shares = shares;
        logarithms = new double[each.length][];
        for (int z = 0; z < each.length; z++) {
            float[] coarse = each[z].resized(COARSE, COARSE).values;
            logarithms[z] = new double[coarse.length];
            for (int i = 0; i < coarse.length; i++) {
                logarithms[z][i] = Math.log(coarse[i] + LEAST);
            }
        }
    }

    /**
     * Reads layouts.bin: how many and their side as 32 bits; then, with 16 bits a number, how common each is, the mean and
     * each of them. The stream is not closed.
     *
     * @throws IOException also for a file of another kind.
     */
    public static Layouts read(InputStream stream) throws IOException {
        DataInputStream in = new DataInputStream(stream);
        int count = in.readInt();
        int side = in.readInt();
        if (count < 1 || count > MOST || side < 1 || side > MOST) {
            throw new IOException("these are no layouts: " + count + " of " + side + " x " + side + " pixels");
        }
        double[] shares = new double[count];
        for (int z = 0; z < count; z++) {
            shares[z] = number(in);
        }
        Planes mean = planes(in, side);
        Planes[] each = new Planes[count];
        for (int z = 0; z < count; z++) {
            each[z] = planes(in, side);
        }
        return new Layouts(mean, each, shares);
    }

    private static Planes planes(DataInputStream in, int side) throws IOException {
        Planes one = new Planes(side, side, Regions.COUNT);
        for (int i = 0; i < one.values.length; i++) {
            one.values[i] = number(in);
        }
        return one.resized(SIZE, SIZE);
    }

    private static float number(DataInputStream in) throws IOException {
        return (float) (in.readUnsignedShort() / 65535.0);
    }

    /** The layout of regions, both SIZE x SIZE: a mixture of those that they are like. */
    Planes nearest(Planes regions) {
        float[] coarse = regions.resized(COARSE, COARSE).values;
        double[] scores = new double[each.length];
        double most = Double.NEGATIVE_INFINITY;
        for (int z = 0; z < each.length; z++) {
            for (int i = 0; i < coarse.length; i++) {
                scores[z] += SHARPNESS * coarse[i] * logarithms[z][i];
            }
            scores[z] += Math.log(shares[z]);
            most = Math.max(most, scores[z]);
        }
        double sum = 0;
        for (int z = 0; z < each.length; z++) {
            scores[z] = Math.exp(scores[z] - most);
            sum += scores[z];
        }
        Planes made = new Planes(SIZE, SIZE, Regions.COUNT);
        for (int z = 0; z < each.length; z++) {
            float weight = (float) (scores[z] / sum);
            for (int i = 0; i < made.values.length; i++) {
                made.values[i] += weight * each[z].values[i];
            }
        }
        return made;
    }
}
