package io.github.lomit_tf.demo.core;

/**
 * Masks whose region is one connected whole, such as hair: smaller parts apart from the largest are left out
 * (lomit_tf/imaging/connected.py, which has the equation).
 */
final class ConnectedMasks {
    private static final float ABOVE = 0.2f;
    private static final double KEPT = 0.6;
    private static final float RAMP = 0.02f;
    private static final double REACH = 1.0 / 64;

    private ConnectedMasks() {}

    /** Masks in which one group keeps its largest part alone, in place. */
    static void keep(Planes masks, int group) {
        float[] mask = masks.channel(group).values;
        int[] labels = new int[mask.length];
        double[] sums = parts(mask, masks.width, labels);
        double most = 0;
        for (double sum : sums) {
            most = Math.max(most, sum);
        }
        float[] made = new float[mask.length];
        int radius = Math.max(1, (int) (REACH * Math.max(masks.width, masks.height) + 0.5));
        for (int i = 0; i < mask.length; i++) {
            if (labels[i] == 0 || sums[labels[i] - 1] < KEPT * most) {
                continue;
            }
            made[i] = mask[i];
            float share = Math.min(1f, (mask[i] - ABOVE) / RAMP);
            int x = i % masks.width;
            int y = i / masks.width;
            for (int v = Math.max(0, y - radius); v <= Math.min(masks.height - 1, y + radius); v++) {
                for (int u = Math.max(0, x - radius); u <= Math.min(masks.width - 1, x + radius); u++) {
                    int near = v * masks.width + u;
                    made[near] = labels[near] == 0 ? Math.max(made[near], share * mask[near]) : made[near];
                }
            }
        }
        for (int i = 0; i < made.length; i++) {
            masks.values[i * masks.channels + group] = made[i];
        }
    }

    /** Labels, from 1 on, of the 8-connected parts of what is above ABOVE, and the mask's sum in each part. */
    private static double[] parts(float[] mask, int width, int[] labels) {
        int[] waiting = new int[mask.length];
        int parts = 0;
        for (int start = 0; start < mask.length; start++) {
            if (labels[start] != 0 || !(mask[start] > ABOVE)) {
                continue;
            }
            labels[start] = ++parts;
            int count = 0;
            waiting[count++] = start;
            while (count > 0) {
                int i = waiting[--count];
                int x = i % width;
                int y = i / width;
                for (int v = Math.max(0, y - 1); v <= Math.min(mask.length / width - 1, y + 1); v++) {
                    for (int u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++) {
                        int next = v * width + u;
                        if (labels[next] == 0 && mask[next] > ABOVE) {
                            labels[next] = parts;
                            waiting[count++] = next;
                        }
                    }
                }
            }
        }
        double[] sums = new double[parts];
        for (int i = 0; i < mask.length; i++) {
            if (labels[i] != 0) {
                sums[labels[i] - 1] += mask[i];
            }
        }
        return sums;
    }
}
