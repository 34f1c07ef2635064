// What anyone would write first: a multi-layer perceptron over Float32Arrays, arithmetic in double precision, tanh
// hidden layers, identity on top, squared error, plain sgd. The baseline of the bench.

export function createPlain(widths, rate) {
  const layers = widths.slice(1).map((nOut, l) => {
    const nIn = widths[l];
    const limit = Math.sqrt(6 / (nIn + nOut));
    return {
      nIn,
      nOut,
      w: Float32Array.from({ length: nIn * nOut }, (_, k) => (((k * 2654435761) % 1000) / 500 - 1) * limit),
      b: new Float32Array(nOut),
      a: new Float32Array(nOut),
      d: new Float32Array(nOut),
    };
  });
  const last = layers[layers.length - 1];
  const input = new Float32Array(widths[0]);

  function forward() {
    let below = input;
    for (const { nIn, nOut, w, b, a } of layers) {
      const isLast = a === last.a;
      for (let i = 0; i < nOut; i++) {
        let s = b[i];
        for (let j = 0; j < nIn; j++) s += w[i * nIn + j] * below[j];
        a[i] = isLast ? s : Math.tanh(s);
      }
      below = a;
    }
    return last.a;
  }

  return {
    predict(row) {
      input.set(row);
      return forward();
    },
    learn(row, target) {
      input.set(row);
      forward();
      let loss = 0;
      for (let i = 0; i < last.nOut; i++) {
        const r = last.a[i] - target[i];
        last.d[i] = r;
        loss += 0.5 * r * r;
      }
      for (let l = layers.length - 1; l >= 0; l--) {
        const { nIn, nOut, w, b, d } = layers[l];
        const below = l === 0 ? input : layers[l - 1].a;
        if (l > 0) {
          const dBelow = layers[l - 1].d;
          for (let j = 0; j < nIn; j++) {
            let s = 0;
            for (let i = 0; i < nOut; i++) s += w[i * nIn + j] * d[i];
            dBelow[j] = s * (1 - below[j] * below[j]);
          }
        }
        for (let i = 0; i < nOut; i++) {
          const scaled = rate * d[i];
          for (let j = 0; j < nIn; j++) w[i * nIn + j] -= scaled * below[j];
          b[i] -= scaled;
        }
      }
      return loss;
    },
  };
}
