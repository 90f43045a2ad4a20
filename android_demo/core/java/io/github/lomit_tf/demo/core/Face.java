package io.github.lomit_tf.demo.core;

/** A face that was found (faces.Face): all in pixels of the picture, where pixel centres are whole numbers. */
public final class Face {
    public static final int POINTS = 6;
    /** Points in a mirror: left and right eye, nose, mouth, left and right ear, left and right as one sees them. */
    static final int[] MIRRORED = {1, 0, 2, 3, 5, 4};

    public final double score;
    /** x and y of each point. */
    final double[] points;
    public final double x;
    public final double y;
    /** Of its box, which is turned as the eyes are. */
    public final double side;
    /** x and y of the upper side of CelebA's crop around it, and of the crop's centre. */
    final double[] crop;

    Face(double score, double[] points, double x, double y, double side) {
        this(score, points, x, y, side, CelebaFraming.around(points));
    }

    private Face(double score, double[] points, double x, double y, double side, double[] crop) {
        this.score = score;
        this.points = points;
        this.x = x;
        this.y = y;
        this.side = side;
        this.crop = crop;
    }

    /** The same face, framed by another crop. */
    Face framed(double[] by) {
        return new Face(score, points, x, y, side, by);
    }

    /** Degrees, clockwise as one sees it, by which the line of the eyes is turned. */
    public double angle() {
        return Math.toDegrees(Math.atan2(points[3] - points[1], points[2] - points[0]));
    }

    /** Intersection over union of upright boxes. */
    double overlap(Face other) {
        double across = Math.min(x + side / 2, other.x + other.side / 2) - Math.max(x - side / 2, other.x - other.side / 2);
        double down = Math.min(y + side / 2, other.y + other.side / 2) - Math.max(y - side / 2, other.y - other.side / 2);
        double both = Math.max(0, across) * Math.max(0, down);
        return both / (side * side + other.side * other.side - both);
    }

    double distance(Face other) {
        return Math.hypot(x - other.x, y - other.y);
    }
}
