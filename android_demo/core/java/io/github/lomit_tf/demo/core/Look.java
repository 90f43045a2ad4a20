package io.github.lomit_tf.demo.core;

import java.util.ArrayList;
import java.util.List;

/** A picture to look at: copies of it, each half as large as the one before (faces.Look). */
final class Look {
    private static final int SIDE = 1280;

    final int width;
    final int height;
    private final List<Picture> copies = new ArrayList<Picture>();

    Look(Picture picture) {
        width = picture.width;
        height = picture.height;
        double scale = Math.min(1.0, (double) SIDE / Math.max(width, height));
        copies.add(scale < 1 ? shrunk(picture, (int) Math.max(1, Math.rint(scale * width)),
                (int) Math.max(1, Math.rint(scale * height))) : picture);
    }

    private static Picture shrunk(Picture picture, int width, int height) {
        Rows rows = Rows.of(picture, new Window(0, 0, picture.width, picture.height));
        return Rows.averagedPicture(rows, width, height);
    }

    /** x and y in the picture of u and v, 0..1 in a turned square. */
    static Affine toPicture(double x, double y, double side, double angle) {
        double cosine = side * Math.cos(Math.toRadians(angle));
        double sine = side * Math.sin(Math.toRadians(angle));
        return new Affine(cosine, -sine, x - (cosine - sine) / 2, sine, cosine, y - (sine + cosine) / 2);
    }

    /** A turned square, size x size, black beyond the border. */
    Picture square(Affine to, double side, int size) {
        int level = 0;
        double step = side / size * copies.get(0).width / width;
        while (step >= 2 && Math.min(copies.get(level).width, copies.get(level).height) > 1) {
            level++;
            step /= 2;
            if (level == copies.size()) {
                Picture last = copies.get(level - 1);
                copies.add(shrunk(last, (last.width + 1) / 2, (last.height + 1) / 2));
            }
        }
        Picture copy = copies.get(level);
        double across = (double) copy.width / width;
        double down = (double) copy.height / height;
        double half = 0.5 / size;
        Affine where = new Affine(
                across * to.a / size, across * to.b / size, across * (to.c + half * (to.a + to.b) + 0.5) - 0.5,
                down * to.d / size, down * to.e / size, down * (to.f + half * (to.d + to.e) + 0.5) - 0.5);
        int[] argb = new int[size * size];
        float[] rgb = new float[3];
        for (int i = 0; i < argb.length; i++) {
            int column = i % size;
            int row = i / size;
            Affine.sample(copy, where.x(column, row), where.y(column, row), false, rgb, 0);
            argb[i] = Preprocess.pixel(rgb[0], rgb[1], rgb[2]);
        }
        return new Picture(size, size, argb);
    }
}
