// The plain pipeline's networks: ONNX Runtime on every window of 65 535 samples, with three of its
// pictures, one thread. Inputs are raw files as ffmpeg writes them; spectra, masks and files are not
// even computed.
// usage: node bench_plain.js ONNX_DIR PICTURES.rgb SOUND.f32      (8 pictures a second, 224x224)
const fs = require('fs');
const path = require('path');
const ort = require(require.resolve('onnxruntime-node', {paths: [process.cwd(), __dirname]}));
const [dir, pictures, sound] = process.argv.slice(2);
const WINDOW = 65535, RATE = 11025, SIDE = 224, BYTES = SIDE * SIDE * 3;

(async () => {
  const options = {intraOpNumThreads: 1, interOpNumThreads: 1, graphOptimizationLevel: 'all'};
  const listen = await ort.InferenceSession.create(path.join(dir, 'sound.onnx'), options);
  const see = await ort.InferenceSession.create(path.join(dir, 'frame.onnx'), options);
  const samples = fs.statSync(sound).size / 4, count = Math.floor(fs.statSync(pictures).size / BYTES);
  const windows = Math.ceil(samples / WINDOW), file = fs.openSync(pictures);
  const spectrum = Float32Array.from({length: 65536}, () => Math.random());
  const rgb = Buffer.alloc(BYTES), frames = new Float32Array(3 * BYTES);
  for (let w = 0; w < windows; w++) {
    const middle = (w + 0.5) * WINDOW / RATE * 8;
    for (let f = 0; f < 3; f++) {
      const at = Math.max(0, Math.min(count - 1, Math.round(middle + 16 * (f - 1))));
      fs.readSync(file, rgb, 0, BYTES, at * BYTES);
      for (let c = 0; c < 3; c++)
        for (let i = 0; i < SIDE * SIDE; i++)
          frames[(f * 3 + c) * SIDE * SIDE + i] = (rgb[i * 3 + c] / 255 - 0.45) / 0.226;
    }
    await listen.run({x: new ort.Tensor('float32', spectrum, [1, 1, 256, 256])});
    await see.run({x: new ort.Tensor('float32', frames, [3, 3, SIDE, SIDE])});
  }
  console.log(JSON.stringify({windows, pictures: count}));
})();
