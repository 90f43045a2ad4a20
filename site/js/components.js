// The brush, the colour picker and the strip of pictures are those of the page that lomit-app serves: `make site` wraps
// their files (lomit_tf/webapp) as functions of what Gradio gives them: the element, props, and trigger and watch.

import { colour } from "./parts/colour.js";
import { mask_brush } from "./parts/mask_brush.js";
import { strip } from "./parts/strip.js";

const PARTS = { colour, brush: mask_brush, strip };

/**
 * Bring a component to life.
 *
 * @param hear (event, data, value) is called for what it triggers; value is props.value, which a component may have set.
 * @returns {set}: set(value) gives it another value.
 */
export function component(kind, element, value, hear, more = {}) {
  const watchers = [], props = { value, ...more };
  PARTS[kind](element, props, (event, data) => hear(event, data, props.value), (name, act) => watchers.push(act));
  return {
    set(given) {
      props.value = given;
      watchers.forEach((act) => act());
    },
  };
}
