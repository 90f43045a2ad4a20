package io.github.lomit_tf.demo;

import android.content.ContentResolver;
import android.content.Context;
import android.content.Intent;
import android.content.UriPermission;
import android.graphics.Bitmap;
import android.graphics.BitmapFactory;
import android.graphics.Matrix;
import android.media.ExifInterface;
import android.net.Uri;
import io.github.lomit_tf.demo.core.DemoException;
import io.github.lomit_tf.demo.core.Picture;
import java.io.File;
import java.io.FileInputStream;
import java.io.FileNotFoundException;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;

/** Reading and writing pictures: content URIs, file URIs, and asset:NAME for bundled ones. */
final class Pictures {
    static final int MAX_MEGAPIXELS = 16;
    static final long KEPT_MILLISECONDS = 3600 * 1000; // whom a result was shared with may still be reading it
    private static final int SCREEN = 1024;
    private static final String ASSET = "asset:";

    private Pictures() {}

    static String ofAsset(String name) {
        return ASSET + name;
    }

    static Uri shared(File file) {
        return Uri.parse("content://" + PicturesProvider.AUTHORITY + "/" + file.getName());
    }

    static File folder(Context context) {
        File folder = new File(context.getFilesDir(), "pictures");
        folder.mkdirs();
        return folder;
    }

    private static InputStream open(Context context, String uri) throws IOException {
        if (uri.startsWith(ASSET)) {
            return context.getAssets().open(uri.substring(ASSET.length()));
        }
        InputStream stream = context.getContentResolver().openInputStream(Uri.parse(uri));
        if (stream == null) {
            throw new FileNotFoundException(uri);
        }
        return stream;
    }

    /** An upright picture. @throws DemoException PICTURE_UNREADABLE or PICTURE_TOO_LARGE. */
    static Picture read(Context context, String uri) throws DemoException {
        BitmapFactory.Options options = bounds(context, uri);
        if ((long) options.outWidth * options.outHeight > MAX_MEGAPIXELS * 1000000L) {
            throw new DemoException(DemoException.Kind.PICTURE_TOO_LARGE, options.outWidth + "x" + options.outHeight);
        }
        return pixels(decoded(context, uri, options));
    }

    /** An upright picture for the screen, with sides below 2 x SCREEN. @throws DemoException PICTURE_UNREADABLE. */
    static Bitmap sampled(Context context, String uri) throws DemoException {
        BitmapFactory.Options options = bounds(context, uri);
        options.inSampleSize = Math.max(1, Math.max(options.outWidth, options.outHeight) / SCREEN);
        return decoded(context, uri, options);
    }

    /** The size that a file says it has. */
    private static BitmapFactory.Options bounds(Context context, String uri) throws DemoException {
        BitmapFactory.Options options = new BitmapFactory.Options();
        options.inJustDecodeBounds = true;
        try (InputStream stream = open(context, uri)) {
            BitmapFactory.decodeStream(stream, null, options);
        } catch (IOException | SecurityException e) {
            throw new DemoException(DemoException.Kind.PICTURE_UNREADABLE, uri, e);
        }
        return options;
    }

    private static Bitmap decoded(Context context, String uri, BitmapFactory.Options options) throws DemoException {
        options.inJustDecodeBounds = false;
        try (InputStream stream = open(context, uri)) {
            Bitmap bitmap = BitmapFactory.decodeStream(stream, null, options);
            if (bitmap == null) {
                throw new DemoException(DemoException.Kind.PICTURE_UNREADABLE, uri);
            }
            return upright(bitmap, orientation(context, uri));
        } catch (IOException | SecurityException e) {
            throw new DemoException(DemoException.Kind.PICTURE_UNREADABLE, uri, e);
        }
    }

    private static int orientation(Context context, String uri) {
        try (InputStream stream = open(context, uri)) {
            return new ExifInterface(stream)
                    .getAttributeInt(ExifInterface.TAG_ORIENTATION, ExifInterface.ORIENTATION_NORMAL);
        } catch (IOException noExif) {
            return ExifInterface.ORIENTATION_NORMAL;
        }
    }

    private static Bitmap upright(Bitmap bitmap, int orientation) {
        // The eight orientations of EXIF: a turn clockwise, after a mirroring for 2, 4, 5 and 7.
        int[] turns = {0, 0, 0, 180, 180, 270, 90, 90, 270};
        if (orientation <= 1 || orientation >= turns.length) {
            return bitmap;
        }
        Matrix matrix = new Matrix();
        if (orientation == 2 || orientation == 4 || orientation == 5 || orientation == 7) {
            matrix.postScale(-1, 1);
        }
        matrix.postRotate(turns[orientation]);
        Bitmap made = Bitmap.createBitmap(bitmap, 0, 0, bitmap.getWidth(), bitmap.getHeight(), matrix, false);
        bitmap.recycle();
        return made;
    }

    private static Picture pixels(Bitmap bitmap) {
        int width = bitmap.getWidth();
        int height = bitmap.getHeight();
        int[] argb = new int[width * height];
        bitmap.getPixels(argb, 0, width, 0, 0, width, height);
        bitmap.recycle();
        for (int i = 0; i < argb.length; i++) {
            argb[i] = overWhite(argb[i]);
        }
        return new Picture(width, height, argb);
    }

    private static int overWhite(int pixel) {
        int alpha = pixel >>> 24;
        if (alpha == 255) {
            return pixel;
        }
        int made = 255;
        for (int shift = 16; shift >= 0; shift -= 8) {
            made = made << 8 | ((pixel >> shift & 255) * alpha + 255 * (255 - alpha) + 127) / 255;
        }
        return made;
    }

    static Bitmap bitmap(Picture picture) {
        return Bitmap.createBitmap(picture.argb, picture.width, picture.height, Bitmap.Config.ARGB_8888);
    }

    /** Writes a picture as PNG into the app's own files. */
    static File write(Context context, Picture picture, String name) throws IOException {
        File file = new File(folder(context), name);
        Bitmap bitmap = bitmap(picture);
        try (FileOutputStream out = new FileOutputStream(file)) {
            bitmap.compress(Bitmap.CompressFormat.PNG, 100, out);
        } finally {
            bitmap.recycle();
        }
        return file;
    }

    /** Copies a result to where the person wants it. @throws DemoException NOT_SAVED. */
    static void copy(Context context, Uri result, Uri target) throws DemoException {
        File file = new File(folder(context), String.valueOf(result.getLastPathSegment()));
        try (InputStream in = new FileInputStream(file);
                OutputStream out = context.getContentResolver().openOutputStream(target)) {
            if (out == null) {
                throw new FileNotFoundException(target.toString());
            }
            byte[] buffer = new byte[65536];
            for (int n = in.read(buffer); n > 0; n = in.read(buffer)) {
                out.write(buffer, 0, n);
            }
        } catch (IOException | SecurityException e) {
            throw new DemoException(DemoException.Kind.NOT_SAVED, target.toString(), e);
        }
    }

    /** Removes the app's own files that are neither used nor from the last hour, and gives up other apps' pictures. */
    static void clean(Context context, List<String> used, long now) {
        File[] files = folder(context).listFiles();
        for (File file : files == null ? new File[0] : files) {
            if (!used.contains(shared(file).toString()) && now - file.lastModified() > KEPT_MILLISECONDS) {
                file.delete();
            }
        }
        ContentResolver resolver = context.getContentResolver();
        for (UriPermission permission : new ArrayList<UriPermission>(resolver.getPersistedUriPermissions())) {
            if (!used.contains(permission.getUri().toString())) {
                resolver.releasePersistableUriPermission(permission.getUri(), Intent.FLAG_GRANT_READ_URI_PERMISSION);
            }
        }
    }
}
