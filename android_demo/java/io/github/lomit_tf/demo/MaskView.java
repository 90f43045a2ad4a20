package io.github.lomit_tf.demo;

import android.content.Context;
import android.graphics.Bitmap;
import android.graphics.BlurMaskFilter;
import android.graphics.Canvas;
import android.graphics.Paint;
import android.graphics.Path;
import android.graphics.PorterDuff;
import android.graphics.PorterDuffXfermode;
import android.graphics.Rect;
import android.util.AttributeSet;
import android.view.MotionEvent;
import android.view.View;
import io.github.lomit_tf.demo.core.Planes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The part of a picture that the model sees, one group's mask in red over it; a finger paints, seen at once. */
public final class MaskView extends View {
    /** How a stroke is painted; radius in shares of the side. */
    static final class Brush {
        final boolean erase;
        final float radius;
        final float hardness;

        Brush(boolean erase, float radius, float hardness) {
            this.erase = erase;
            this.radius = radius;
            this.hardness = hardness;
        }
    }

    /** Hears of a finished line of the finger. */
    interface Listener {
        /** @param points x, y, ... in shares of the side. */
        void painted(Brush brush, float[] points);
    }

    private static final int RED = 0xff2020;
    private static final int OPACITY = 140;
    private static final float STEP = 0.004f; // of the side: a finger that moves less adds no point

    /** A line that is not in the mask yet. */
    private static final class Line {
        final Brush brush;
        final Path path = new Path();
        float[] points = new float[64];
        int count;

        Line(Brush brush) {
            this.brush = brush;
        }

        /** Whether the finger has moved far enough. */
        boolean add(float x, float y) {
            if (count > 0 && Math.hypot(x - points[count - 2], y - points[count - 1]) < STEP) {
                return false;
            }
            points = count == points.length ? Arrays.copyOf(points, 2 * count) : points;
            points[count++] = x;
            points[count++] = y;
            if (count == 2) {
                path.moveTo(x, y);
                path.lineTo(x + 1e-5f, y); // a dot
            } else {
                path.lineTo(x, y);
            }
            return true;
        }
    }

    private final Paint paint = new Paint(Paint.FILTER_BITMAP_FLAG);
    private final Paint brushPaint = new Paint(Paint.ANTI_ALIAS_FLAG);
    private final Rect square = new Rect();
    private final List<Line> lines = new ArrayList<Line>();
    private Bitmap picture;
    private Bitmap overlay;
    private Planes shown;
    private int shownGroup = -1;
    private Listener listener;
    private Brush brush = new Brush(false, 0.05f, 1f);
    private Line line;

    public MaskView(Context context, AttributeSet attributes) {
        super(context, attributes);
        brushPaint.setStyle(Paint.Style.STROKE);
        brushPaint.setStrokeCap(Paint.Cap.ROUND);
        brushPaint.setStrokeJoin(Paint.Join.ROUND);
        brushPaint.setColor(0xff000000 | RED);
    }

    void listen(Listener heard) {
        listener = heard;
    }

    void use(Brush used) {
        brush = used;
    }

    /** @param masks with all finished strokes; null while they are not known. */
    void show(Bitmap bitmap, Planes masks, int group) {
        picture = bitmap;
        if (masks != shown || group != shownGroup) {
            shown = masks;
            shownGroup = group;
            lines.clear();
            overlay = masks == null ? null : overlay(masks, group);
        }
        invalidate();
    }

    private static Bitmap overlay(Planes masks, int group) {
        int[] argb = new int[masks.width * masks.height];
        for (int i = 0; i < argb.length; i++) {
            argb[i] = Math.round(255 * masks.values[i * masks.channels + group]) << 24 | RED;
        }
        return Bitmap.createBitmap(argb, masks.width, masks.height, Bitmap.Config.ARGB_8888);
    }

    @Override
    protected void onSizeChanged(int width, int height, int oldWidth, int oldHeight) {
        int side = Math.min(width, height);
        int left = (width - side) / 2;
        int top = (height - side) / 2;
        square.set(left, top, left + side, top + side);
    }

    @Override
    protected void onDraw(Canvas canvas) {
        if (picture == null) {
            canvas.save();
            canvas.clipRect(square);
            canvas.drawColor(0x30808080);
            canvas.restore();
            return;
        }
        canvas.drawBitmap(picture, null, square, paint);
        if (overlay == null) {
            return;
        }
        // The masks' own arithmetic: painting is m + (1 - m) a, erasing m (1 - a); then all of it is shown half opaque.
        canvas.saveLayerAlpha(square.left, square.top, square.right, square.bottom, OPACITY);
        canvas.drawBitmap(overlay, null, square, paint);
        canvas.translate(square.left, square.top);
        canvas.scale(square.width(), square.height());
        for (Line one : lines) {
            draw(canvas, one);
        }
        if (line != null) {
            draw(canvas, line);
        }
        canvas.restore();
    }

    private void draw(Canvas canvas, Line one) {
        float fading = one.brush.radius * (1 - one.brush.hardness);
        brushPaint.setStrokeWidth(2 * one.brush.radius - fading);
        brushPaint.setMaskFilter(fading > 0 ? new BlurMaskFilter(fading / 2, BlurMaskFilter.Blur.NORMAL) : null);
        brushPaint.setXfermode(one.brush.erase ? new PorterDuffXfermode(PorterDuff.Mode.DST_OUT) : null);
        canvas.drawPath(one.path, brushPaint);
    }

    @Override
    public boolean onTouchEvent(MotionEvent event) {
        if (overlay == null || square.isEmpty()) {
            return false;
        }
        switch (event.getActionMasked()) {
            case MotionEvent.ACTION_DOWN:
                getParent().requestDisallowInterceptTouchEvent(true); // else the page scrolls
                line = new Line(brush);
                add(event.getX(), event.getY());
                return true;
            case MotionEvent.ACTION_MOVE:
                for (int i = 0; i < event.getHistorySize(); i++) {
                    add(event.getHistoricalX(i), event.getHistoricalY(i));
                }
                add(event.getX(), event.getY());
                return true;
            case MotionEvent.ACTION_UP:
                performClick();
                if (line != null) {
                    Line made = line;
                    line = null;
                    lines.add(made); // shown until the masks have it
                    if (listener != null) {
                        listener.painted(made.brush, Arrays.copyOf(made.points, made.count));
                    }
                }
                return true;
            case MotionEvent.ACTION_CANCEL:
                line = null;
                invalidate();
                return true;
            default:
                return super.onTouchEvent(event);
        }
    }

    private void add(float x, float y) {
        if (line != null && line.add((x - square.left) / square.width(), (y - square.top) / square.height())) {
            invalidate();
        }
    }

    @Override
    public boolean performClick() {
        return super.performClick();
    }
}
