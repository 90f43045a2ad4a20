package io.github.lomit_tf.demo.core;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.awt.image.BufferedImage;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import javax.imageio.ImageIO;

/** The pictures that tools/android/golden.py wrote; the property lomit.testdata names their folder. */
final class Golden {
    private Golden() {}

    static Picture picture(String name) throws IOException {
        BufferedImage image = ImageIO.read(new File(System.getProperty("lomit.testdata"), name));
        int[] argb = image.getRGB(0, 0, image.getWidth(), image.getHeight(), null, 0, image.getWidth());
        return new Picture(image.getWidth(), image.getHeight(), argb);
    }

    /** A grey file as one plane 0..1; read from the raster, because getRGB would apply a grey profile's gamma. */
    static Planes mask(String name) throws IOException {
        BufferedImage image = ImageIO.read(new File(System.getProperty("lomit.testdata"), name));
        Planes mask = new Planes(image.getWidth(), image.getHeight(), 1);
        for (int i = 0; i < mask.values.length; i++) {
            mask.values[i] = image.getRaster().getSample(i % mask.width, i / mask.width, 0) / 255f;
        }
        return mask;
    }

    /** Rows of numbers of a text file, separated by spaces. */
    static List<double[]> numbers(String name) throws IOException {
        List<double[]> rows = new ArrayList<double[]>();
        File file = new File(System.getProperty("lomit.testdata"), name);
        for (String line : Files.readAllLines(file.toPath(), StandardCharsets.UTF_8)) {
            String[] words = line.trim().split(" ");
            double[] row = new double[words.length];
            for (int i = 0; i < row.length; i++) {
                row[i] = Double.parseDouble(words[i]);
            }
            rows.add(row);
        }
        return rows;
    }

    /** Compares all channels of all pixels; returns how many values differ at all. */
    static int assertNear(Picture expected, Picture actual, int tolerance) {
        assertEquals(expected.width, actual.width);
        assertEquals(expected.height, actual.height);
        int differ = 0;
        for (int i = 0; i < expected.argb.length; i++) {
            for (int shift = 0; shift <= 24; shift += 8) {
                int difference = Math.abs((expected.argb[i] >> shift & 255) - (actual.argb[i] >> shift & 255));
                assertTrue("pixel " + i % expected.width + "," + i / expected.width + " differs by " + difference,
                        difference <= tolerance);
                differ += difference == 0 ? 0 : 1;
            }
        }
        return differ;
    }
}
