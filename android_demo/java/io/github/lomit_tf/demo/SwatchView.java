package io.github.lomit_tf.demo;

import android.content.Context;
import android.graphics.Canvas;
import android.graphics.Paint;
import android.view.View;

/** A colour to touch; a ring shows which one is chosen. */
final class SwatchView extends View {
    private final Paint paint = new Paint(Paint.ANTI_ALIAS_FLAG);
    private final float unit;
    private int rgb;

    SwatchView(Context context, int rgb) {
        super(context);
        this.rgb = rgb;
        unit = getResources().getDisplayMetrics().density;
        setMinimumHeight(Math.round(48 * unit));
        setMinimumWidth(Math.round(48 * unit));
    }

    void show(int colour) {
        rgb = colour;
        invalidate();
    }

    @Override
    protected void onDraw(Canvas canvas) {
        float x = getWidth() / 2f;
        float y = getHeight() / 2f;
        float radius = Math.min(x, y) - 6 * unit;
        paint.setStyle(Paint.Style.FILL);
        paint.setColor(0xff000000 | rgb);
        canvas.drawCircle(x, y, radius, paint);
        paint.setStyle(Paint.Style.STROKE);
        paint.setColor(0xff808080);
        paint.setStrokeWidth(isSelected() ? 3 * unit : unit);
        canvas.drawCircle(x, y, radius + (isSelected() ? 4 * unit : 0), paint);
    }
}
