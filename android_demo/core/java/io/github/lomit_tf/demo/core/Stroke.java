package io.github.lomit_tf.demo.core;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;

/** One stroke of the brush, in shares of the window's side, so that it can be drawn at any size. */
public final class Stroke {
    private static final float STEPS = 8192f;

    public final int group;
    public final boolean erase;
    /** Of the brush, as a share of the side. */
    public final float radius;
    /** 1: full up to the radius; 0: fades from the middle on. */
    public final float hardness;
    private final float[] points;

    /** @param points x, y, x, y ... in 0..1; a single point is a dot. */
    public Stroke(int group, boolean erase, float radius, float hardness, float[] points) {
        if (points.length < 2 || points.length % 2 != 0 || !(radius > 0) || !(hardness >= 0 && hardness <= 1)) {
            throw new IllegalArgumentException("no stroke: " + points.length + " coordinates, radius " + radius
                    + ", hardness " + hardness);
        }
        this.group = group;
        this.erase = erase;
        this.radius = radius;
        this.hardness = hardness;
        this.points = points.clone();
    }

    /** Draws it onto one channel of masks: m + (1 - m) a, or m (1 - a) to erase, a being how far the brush covers. */
    void draw(Planes masks) {
        int n = masks.channels;
        int[] columns = range(0, masks.width);
        int[] rows = range(1, masks.height);
        for (int y = rows[0]; y < rows[1]; y++) {
            for (int x = columns[0]; x < columns[1]; x++) {
                float cover = cover((x + 0.5f) / masks.width, (y + 0.5f) / masks.height);
                if (cover > 0f) {
                    int i = (y * masks.width + x) * n + group;
                    float old = masks.values[i];
                    masks.values[i] = erase ? old * (1f - cover) : old + (1f - old) * cover;
                }
            }
        }
    }

    /** From which pixel of a side to before which one it may reach. */
    private int[] range(int axis, int side) {
        float low = Float.MAX_VALUE;
        float high = -Float.MAX_VALUE;
        for (int i = axis; i < points.length; i += 2) {
            low = Math.min(low, points[i] - radius);
            high = Math.max(high, points[i] + radius);
        }
        return new int[] {Math.max(0, (int) Math.floor(low * side)), Math.min(side, (int) Math.ceil(high * side) + 1)};
    }

    /** 0..1 at a place, by its distance from the line through the points. */
    private float cover(float x, float y) {
        double nearest = Double.MAX_VALUE;
        for (int i = 0; i < points.length; i += 2) {
            int j = Math.min(i + 2, points.length - 2);
            double dx = points[j] - points[i];
            double dy = points[j + 1] - points[i + 1];
            double length = dx * dx + dy * dy;
            double t = length == 0 ? 0 : ((x - points[i]) * dx + (y - points[i + 1]) * dy) / length;
            t = Math.max(0, Math.min(1, t));
            nearest = Math.min(nearest, Math.hypot(x - points[i] - t * dx, y - points[i + 1] - t * dy));
        }
        double solid = radius * hardness;
        if (nearest <= solid) {
            return 1f;
        }
        return nearest >= radius ? 0f : (float) ((radius - nearest) / (radius - solid));
    }

    void write(DataOutputStream out) throws IOException {
        out.writeInt(group);
        out.writeBoolean(erase);
        out.writeFloat(radius);
        out.writeFloat(hardness);
        out.writeInt(points.length);
        for (float point : points) { // in steps of 1/8192 of the side: a bundle of the system's may have 1 MB
            out.writeShort(Math.round(Math.max(-3.9f, Math.min(3.9f, point)) * STEPS));
        }
    }

    static Stroke read(DataInputStream in) throws IOException {
        int group = in.readInt();
        boolean erase = in.readBoolean();
        float radius = in.readFloat();
        float hardness = in.readFloat();
        float[] points = new float[in.readInt()];
        for (int i = 0; i < points.length; i++) {
            points[i] = in.readShort() / STEPS;
        }
        return new Stroke(group, erase, radius, hardness, points);
    }
}
