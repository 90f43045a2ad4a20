package io.github.lomit_tf.demo.core;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;

/**
 * Finds faces with BlazeFace's short- and full-range networks, as `find(largest=True)` of lomit_tf/imaging/faces.py: where
 * the whole picture shows one face and that a large one, it is taken; else they are looked for in the picture and in
 * overlapping tiles, where there is nothing in turned ones, and where no face is sure upside down; and every candidate
 * once more, upright and near. Last, a third network corrects how CelebA's crop lies around them.
 */
public final class BlazeFace implements FaceFinder {
    private static final double LEAST_CANDIDATE = 0.3;
    private static final double LEAST_SCORE = 0.5;
    private static final int LEAST_LOOKS = 3;
    private static final int MOST = 64;
    private static final double LARGE = 0.12; // side of a face, in sides of the picture: as a whole it shows any larger
    private static final double TILE = 0.5;
    private static final double[][] TURNS = {{0}, {-40, 40}};
    private static final double SURE = 0.85; // where no face has this score the picture may stand on its head
    private static final double NEAR_SHORT = 1.8;
    private static final double NEAR_FULL = 2.2;

    private final FaceModel near;
    private final FaceModel far;
    private final FramingNetwork framing;

    public BlazeFace(Network shortRange, Network fullRange, Network framing) throws DemoException {
        near = FaceModel.shortRange(shortRange);
        far = FaceModel.fullRange(fullRange);
        this.framing = new FramingNetwork(framing);
    }

    @Override
    public List<Face> find(Picture picture) throws DemoException {
        Look look = new Look(picture);
        List<Face> faces = new ArrayList<Face>();
        for (Face face : found(look)) {
            faces.add(face.framed(framing.corrected(look, face.crop)));
        }
        return faces;
    }

    private List<Face> found(Look look) throws DemoException {
        List<double[]> squares = squares(look.width, look.height);
        List<double[]> whole = squares.subList(0, 1);
        List<Face> large = found(look, whole, TURNS[0]);
        if (large.size() == 1 && large.get(0).side >= LARGE * squares.get(0)[2]) {
            return upright(look, whole, large);
        }
        List<Face> faces = new ArrayList<Face>();
        for (double[] angles : TURNS) {
            if (faces.isEmpty()) {
                faces = found(look, squares, angles);
            }
        }
        return upright(look, squares, faces);
    }

    /** These faces, or those that are seen in the same squares upside down, where that is surer; the largest first. */
    private List<Face> upright(Look look, List<double[]> squares, List<Face> faces) throws DemoException {
        if (score(faces) < SURE) {
            List<Face> turned = found(look, squares, new double[] {180});
            faces = score(turned) > score(faces) ? turned : faces;
        }
        Collections.sort(faces, new Comparator<Face>() {
            @Override
            public int compare(Face one, Face other) {
                return Double.compare(other.side, one.side);
            }
        });
        return faces;
    }

    private static double score(List<Face> faces) {
        double most = 0;
        for (Face face : faces) {
            most = Math.max(most, face.score);
        }
        return most;
    }

    /** The confirmed faces that both models see in some squares, each of them turned by some angles. */
    private List<Face> found(Look look, List<double[]> squares, double[] angles) throws DemoException {
        List<Face> found = new ArrayList<Face>();
        for (double angle : angles) {
            for (double[] square : squares) {
                found.addAll(seen(look, near, square[0], square[1], square[2], angle, false, LEAST_CANDIDATE));
                found.addAll(seen(look, far, square[0], square[1], square[2], angle, false, LEAST_CANDIDATE));
            }
        }
        return distinct(allConfirmed(look, distinct(found)));
    }

    private List<Face> allConfirmed(Look look, List<Face> candidates) throws DemoException {
        List<Face> sure = new ArrayList<Face>();
        for (Face candidate : candidates.subList(0, Math.min(MOST, candidates.size()))) {
            Face face = confirmed(look, candidate);
            if (face != null) {
                sure.add(face);
            }
        }
        return sure;
    }

    /** x, y and side of the whole picture and of tiles that cover it and overlap by at least a half. */
    static List<double[]> squares(int width, int height) {
        List<double[]> squares = new ArrayList<double[]>();
        double longest = Math.max(width, height);
        squares.add(new double[] {(width - 1) / 2.0, (height - 1) / 2.0, longest});
        double side = TILE * longest;
        for (double y : along(height, side)) {
            for (double x : along(width, side)) {
                squares.add(new double[] {x, y, side});
            }
        }
        return squares;
    }

    private static double[] along(int length, double side) {
        int count = 1 + (int) Math.max(0, Math.ceil((length - side) / (side / 2)));
        double[] places = new double[count];
        for (int i = 0; i < count; i++) {
            places[i] = count == 1 ? (length - 1) / 2.0 : side / 2 + i * ((length - side) / (count - 1)) - 0.5;
        }
        return places;
    }

    private static List<Face> seen(Look look, FaceModel model, double x, double y, double side, double angle,
            boolean mirrored, double least) throws DemoException {
        Affine to = Look.toPicture(x, y, side, angle);
        Picture picture = look.square(to, side, model.side);
        if (mirrored) {
            int[] argb = new int[picture.argb.length];
            for (int i = 0; i < argb.length; i++) {
                argb[i] = picture.argb[i / model.side * model.side + model.side - 1 - i % model.side];
            }
            picture = new Picture(model.side, model.side, argb);
        }
        List<Face> faces = new ArrayList<Face>();
        for (double[] row : model.find(picture, least)) {
            double[] points = new double[2 * Face.POINTS];
            for (int i = 0; i < Face.POINTS; i++) {
                int from = 5 + 2 * (mirrored ? Face.MIRRORED[i] : i);
                double[] at = to.at(mirrored ? 1 - row[from] : row[from], row[from + 1]);
                points[2 * i] = at[0];
                points[2 * i + 1] = at[1];
            }
            double middle = (row[1] + row[3]) / 2;
            double[] centre = to.at(mirrored ? 1 - middle : middle, (row[2] + row[4]) / 2);
            faces.add(new Face(row[0], points, centre[0], centre[1], side * (row[3] - row[1] + row[4] - row[2]) / 2));
        }
        return faces;
    }

    /** Those of which no surer one overlaps, the surest first. */
    private static List<Face> distinct(List<Face> faces) {
        List<Face> sorted = new ArrayList<Face>(faces);
        Collections.sort(sorted, new Comparator<Face>() {
            @Override
            public int compare(Face one, Face other) {
                return Double.compare(other.score, one.score);
            }
        });
        List<Face> kept = new ArrayList<Face>();
        for (Face face : sorted) {
            boolean free = true;
            for (Face other : kept) {
                free &= face.overlap(other) <= FaceModel.OVERLAP;
            }
            if (free) {
                kept.add(face);
            }
        }
        return kept;
    }

    private Face confirmed(Look look, Face face) throws DemoException {
        Face first = nearest(
                seen(look, near, face.x, face.y, NEAR_SHORT * face.side, face.angle(), false, LEAST_SCORE), face);
        first = first == null ? face : first;
        double score = 0;
        double[] points = new double[2 * Face.POINTS];
        double[] sums = new double[3];
        int count = 0;
        for (int n = 0; n < 4; n++) {
            FaceModel model = n < 2 ? near : far;
            double side = (n < 2 ? NEAR_SHORT : NEAR_FULL) * first.side;
            Face one = nearest(seen(look, model, first.x, first.y, side, first.angle(), n % 2 == 1, LEAST_SCORE), first);
            if (one == null) {
                continue;
            }
            count++;
            score = Math.max(score, one.score);
            for (int i = 0; i < points.length; i++) {
                points[i] += one.points[i];
            }
            sums[0] += one.x;
            sums[1] += one.y;
            sums[2] += one.side;
        }
        if (count < LEAST_LOOKS) {
            return null;
        }
        for (int i = 0; i < points.length; i++) {
            points[i] /= count;
        }
        return new Face(score, points, sums[0] / count, sums[1] / count, sums[2] / count);
    }

    /** The one that lies nearest to another, where their centres are less than half its side apart. */
    private static Face nearest(List<Face> faces, Face to) {
        Face near = null;
        for (Face face : faces) {
            if (near == null || face.distance(to) < near.distance(to)) {
                near = face;
            }
        }
        return near != null && near.distance(to) < to.side / 2 ? near : null;
    }
}
