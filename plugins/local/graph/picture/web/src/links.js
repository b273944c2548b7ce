// Draws all edges as lines in one call. Sigma draws edges too, but wants an object for each: a hundred thousand of them take seconds.

const vertex = `
attribute vec2 position;
attribute float tone;
uniform vec4 transform; // scale and offset, from the layout's coordinates to the screen's
varying float vTone;
void main() {
  gl_Position = vec4(position * transform.xy + transform.zw, 0.0, 1.0);
  vTone = tone;
}`;

const fragment = `
precision mediump float;
uniform vec4 color;
varying float vTone;
void main() {
  gl_FragColor = color * vTone;
}`;

export class Links {
  constructor(gl, model) {
    this.gl = gl;
    this.model = model;
    this.count = 0;
    const program = gl.createProgram();
    for (const [type, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
      const shader = gl.createShader(type);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program));
    this.program = program;
    this.buffer = gl.createBuffer();
    this.position = gl.getAttribLocation(program, "position");
    this.tone = gl.getAttribLocation(program, "tone");
    this.transform = gl.getUniformLocation(program, "transform");
    this.color = gl.getUniformLocation(program, "color");
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  }

  /** fill takes the edges that are to be drawn: neither filtered out nor containment, which the clusters show. Long ones are fainter. */
  fill(drawn) {
    const { x, y, links } = this.model, { head } = this.model;
    const data = new Float32Array(links.m * 6);
    const span = Math.hypot(head.bounds[2] - head.bounds[0], head.bounds[3] - head.bounds[1]) || 1;
    let at = 0;
    for (let e = 0; e < links.m; e++) {
      if (!drawn(e)) continue;
      const a = links.source[e], b = links.target[e];
      const tone = 1 / (1 + (25 * Math.hypot(x[a] - x[b], y[a] - y[b])) / span);
      data.set([x[a], y[a], tone, x[b], y[b], tone], at);
      at += 6;
    }
    this.count = at / 3;
    const gl = this.gl;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffer);
    gl.bufferData(gl.ARRAY_BUFFER, data.subarray(0, at), gl.STATIC_DRAW);
  }

  /** draw draws them: transform is from coordinates to pixels, rgb a list of numbers up to 255. */
  draw(transform, width, height, rgb, alpha) {
    const gl = this.gl;
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    if (!this.count || alpha <= 0) return;
    gl.useProgram(this.program);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffer);
    gl.enableVertexAttribArray(this.position);
    gl.vertexAttribPointer(this.position, 2, gl.FLOAT, false, 12, 0);
    gl.enableVertexAttribArray(this.tone);
    gl.vertexAttribPointer(this.tone, 1, gl.FLOAT, false, 12, 8);
    gl.uniform4f(this.transform, (2 * transform.k) / width, (2 * transform.k) / height, (2 * transform.x) / width - 1, 1 - (2 * transform.y) / height);
    gl.uniform4f(this.color, (rgb[0] / 255) * alpha, (rgb[1] / 255) * alpha, (rgb[2] / 255) * alpha, alpha);
    gl.drawArrays(gl.LINES, 0, this.count);
  }

  clear() {
    this.gl.clearColor(0, 0, 0, 0);
    this.gl.clear(this.gl.COLOR_BUFFER_BIT);
  }
}
