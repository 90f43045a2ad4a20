package io.github.lomit_tf.demo.core;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/** One of BlazeFace's two networks, and what its output means (faces.anchors, faces.decode, faces.merged). */
public final class FaceModel {
    static final double OVERLAP = 0.3;
    private static final int VALUES = 16;

    final int side;
    private final Network network;
    private final double[] anchors;

    /**
     * @param layers stride and anchors in each cell, of each layer.
     * @throws DemoException MODEL_UNUSABLE for another network.
     */
    private FaceModel(Network network, int side, int... layers) throws DemoException {
        this.network = network;
        this.side = side;
        anchors = anchors(side, layers);
        if (network != null && (network.inputs().size() != 1 || network.inputs().get(0).size() != 3 * side * side)) {
            throw new DemoException(DemoException.Kind.MODEL_UNUSABLE, "no face detector: " + network.inputs());
        }
    }

    /** Without a network it decodes only. */
    public static FaceModel shortRange(Network network) throws DemoException {
        return new FaceModel(network, 128, 8, 2, 16, 6);
    }

    /** Without a network it decodes only. */
    public static FaceModel fullRange(Network network) throws DemoException {
        return new FaceModel(network, 192, 4, 1);
    }

    private static double[] anchors(int side, int... layers) {
        List<Double> made = new ArrayList<Double>();
        for (int layer = 0; layer < layers.length; layer += 2) {
            int cells = side / layers[layer];
            for (int cell = 0; cell < cells * cells; cell++) {
                for (int k = 0; k < layers[layer + 1]; k++) {
                    made.add((cell % cells + 0.5) * layers[layer] / side);
                    made.add((cell / cells + 0.5) * layers[layer] / side);
                }
            }
        }
        double[] anchors = new double[made.size()];
        for (int i = 0; i < anchors.length; i++) {
            anchors[i] = made.get(i);
        }
        return anchors;
    }

    /** What it finds in a picture side x side: rows of score, then x and y of the box's corners and of the points, 0..1. */
    List<double[]> find(Picture picture, double least) throws DemoException {
        Map<String, float[]> feed = Collections.singletonMap(network.inputs().get(0).name, pixels(picture));
        float[] regressors = null;
        float[] logits = null;
        for (float[] output : network.run(feed).values()) {
            if (output.length == anchors.length / 2) {
                logits = output;
            } else {
                regressors = output;
            }
        }
        return merged(decode(regressors, logits, least));
    }

    /** A picture as a network's input, -1..1. */
    static float[] pixels(Picture picture) {
        float[] pixels = new float[3 * picture.argb.length];
        for (int i = 0; i < picture.argb.length; i++) {
            for (int c = 0; c < 3; c++) {
                pixels[3 * i + c] = (picture.argb[i] >> (16 - 8 * c) & 255) * (2f / 255f) - 1f;
            }
        }
        return pixels;
    }

    /** Candidates of at least this score, the surest first. */
    List<double[]> decode(float[] regressors, float[] logits, double least) {
        List<double[]> found = new ArrayList<double[]>();
        for (int n = 0; n < logits.length; n++) {
            double score = 1 / (1 + Math.exp(-Math.max(-80.0, Math.min(80.0, logits[n]))));
            int at = n * VALUES;
            double halfWidth = regressors[at + 2] / (double) side / 2;
            double halfHeight = regressors[at + 3] / (double) side / 2;
            if (score < least || halfWidth <= 0 || halfHeight <= 0) {
                continue;
            }
            double[] row = new double[1 + VALUES];
            row[0] = score;
            double x = anchors[2 * n] + regressors[at] / (double) side;
            double y = anchors[2 * n + 1] + regressors[at + 1] / (double) side;
            row[1] = x - halfWidth;
            row[2] = y - halfHeight;
            row[3] = x + halfWidth;
            row[4] = y + halfHeight;
            for (int i = 4; i < VALUES; i++) {
                row[1 + i] = anchors[2 * n + i % 2] + regressors[at + i] / (double) side;
            }
            found.add(row);
        }
        Collections.sort(found, new Comparator<double[]>() {
            @Override
            public int compare(double[] one, double[] other) {
                return Double.compare(other[0], one[0]);
            }
        });
        return found;
    }

    /** Candidates that overlap the surest one become their mean, weighted by the scores; and so on with the rest. */
    static List<double[]> merged(List<double[]> found) {
        List<double[]> kept = new ArrayList<double[]>();
        List<double[]> left = new ArrayList<double[]>(found);
        while (!left.isEmpty()) {
            double[] first = left.get(0);
            double[] mean = new double[1 + VALUES];
            double total = 0;
            List<double[]> others = new ArrayList<double[]>();
            for (double[] row : left) {
                if (row != first && overlap(first, row) <= OVERLAP) {
                    others.add(row);
                    continue;
                }
                total += row[0];
                for (int i = 1; i < mean.length; i++) {
                    mean[i] += row[0] * row[i];
                }
            }
            for (int i = 1; i < mean.length; i++) {
                mean[i] /= total;
            }
            mean[0] = first[0];
            kept.add(mean);
            left = others;
        }
        return kept;
    }

    private static double overlap(double[] one, double[] other) {
        double across = Math.max(0, Math.min(one[3], other[3]) - Math.max(one[1], other[1]));
        double down = Math.max(0, Math.min(one[4], other[4]) - Math.max(one[2], other[2]));
        double both = across * down;
        return both / ((one[3] - one[1]) * (one[4] - one[2]) + (other[3] - other[1]) * (other[4] - other[2]) - both);
    }
}
