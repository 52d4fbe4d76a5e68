"""Small models of pictures, and what Python answers for a file: each preset written out with Pillow, OpenCV, numpy."""

import base64
import io
import os

import cv2
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from PIL import Image, ImageOps

random = np.random.default_rng(7)


def weights(name, *shape, scale=None):
    fan = int(np.prod(shape[1:])) or 1
    values = random.normal(0, scale or (2 / fan) ** 0.5, shape).astype(np.float32)
    return numpy_helper.from_array(values, name)


def network(path, channels, classes, size=None, layout="NCHW", batch="N", output="logits"):
    """Two convolutions with a shortcut, pooled to a vector and mapped to classes."""
    side = size or ("H", "W")
    shape = [batch, channels, *side] if layout == "NCHW" else [batch, *side, channels]
    nodes, source = [], "picture"
    if layout == "NHWC":
        nodes.append(helper.make_node("Transpose", ["picture"], ["planes"], perm=[0, 3, 1, 2]))
        source = "planes"
    nodes += [
        helper.make_node("Conv", [source, "w1"], ["c1"], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c1"], ["r1"]),
        helper.make_node("Conv", ["r1", "w2"], ["c2"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        helper.make_node("Add", ["c2", "r1"], ["a1"]),
        helper.make_node("Relu", ["a1"], ["r2"]),
        helper.make_node("GlobalAveragePool", ["r2"], ["p1"]),
        helper.make_node("Flatten", ["p1"], ["f1"]),
        helper.make_node("Gemm", ["f1", "w3"], [output], transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, [batch, classes])],
        [weights("w1", 8, channels, 3, 3), weights("w2", 8, 8, 3, 3), weights("w3", classes, 8, scale=1.0)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    onnx.save(model, path)


def make(ask):
    folder = ask["folder"]
    at = lambda name: f"{folder}/{name}/model.onnx"
    network(at("imagenet"), 3, 10, (224, 224))
    network(at("vgg16"), 3, 10, (224, 224), layout="NHWC")
    network(at("clip"), 3, 16, (224, 224), output="embedding")
    network(at("yolo"), 3, 12, (640, 640), batch=1)
    network(at("mnist"), 1, 10, (28, 28))
    network(at("free"), 3, 5)
    network(at("hugging"), 3, 10, (224, 224))
    return {}


def opened(data, mode="RGB"):
    return ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert(mode)


def shorter(image, size, filter):
    width, height = image.size
    if width <= height:
        return image.resize((size, int(size * height / width)), filter)
    return image.resize((int(size * width / height), size), filter)


def centre(image, size):
    left, top = int(round((image.width - size) / 2.0)), int(round((image.height - size) / 2.0))
    return image.crop((left, top, left + size, top + size))


def planes(array):
    return np.ascontiguousarray(array.transpose(2, 0, 1)[None], dtype=np.float32)


def imagenet(data):
    array = np.asarray(centre(shorter(opened(data), 256, Image.BILINEAR), 224), dtype=np.float32) / 255
    return planes((array - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225])


def vgg16(data):
    array = np.asarray(opened(data).resize((224, 224), Image.BILINEAR), dtype=np.float32)[..., ::-1]
    return (array - [103.939, 116.779, 123.68])[None].astype(np.float32)


def clip(data):
    array = np.asarray(centre(shorter(opened(data), 224, Image.BICUBIC), 224), dtype=np.float32) / 255
    return planes((array - [0.48145466, 0.4578275, 0.40821073]) / [0.26862954, 0.26130258, 0.27577711])


def letterbox(image, width, height):
    """As Ultralytics' LetterBox without `auto`."""
    ratio = min(height / image.shape[0], width / image.shape[1])
    inner = round(image.shape[1] * ratio), round(image.shape[0] * ratio)
    dw, dh = (width - inner[0]) / 2, (height - inner[1]) / 2
    if image.shape[1::-1] != inner:
        image = cv2.resize(image, inner, interpolation=cv2.INTER_LINEAR)
    top, bottom, left, right = round(dh - 0.1), round(dh + 0.1), round(dw - 0.1), round(dw + 0.1)
    return cv2.copyMakeBorder(image, top, bottom, left, right, cv2.BORDER_CONSTANT, value=(114, 114, 114))


def yolo(data):
    return planes(letterbox(np.asarray(opened(data)), 640, 640).astype(np.float32) / 255)


def mnist(data):
    return (np.asarray(opened(data, "L").resize((28, 28), Image.BILINEAR), dtype=np.float32) / 255)[None, None]


def free(data):
    array = np.asarray(opened(data))[..., ::-1]
    return planes(cv2.resize(array, (96, 64), interpolation=cv2.INTER_LINEAR).astype(np.float32) / 127.5 - 1)


def hugging(data):
    array = np.asarray(opened(data).resize((224, 224), Image.BICUBIC), dtype=np.float32) / 255
    return planes((array - 0.5) / 0.5)


def detection(data):
    array = cv2.resize(np.asarray(opened(data))[..., ::-1], (320, 320), interpolation=cv2.INTER_LINEAR)
    return planes((array.astype(np.float32) / 255 - 0.5) / 0.5)


def recognition(data):
    array = cv2.resize(np.asarray(opened(data))[..., ::-1], (320, 48), interpolation=cv2.INTER_LINEAR)
    return planes((array.astype(np.float32) / 255 - 0.5) / 0.5)


STEPS = {f.__name__: f for f in (imagenet, vgg16, clip, yolo, mnist, free, hugging, detection, recognition)}
SESSIONS = {}


def run(ask):
    """What onnxruntime answers for the files, each by itself."""
    path = ask["model"]
    session = SESSIONS.setdefault(path, onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]))
    name = session.get_inputs()[0].name
    rows = []
    for file in ask["files"]:
        feed = STEPS[ask["steps"]](base64.b64decode(file))
        rows.append(session.run(None, {name: feed})[0])
    joined = np.concatenate(rows)
    return {"shape": list(joined.shape), "data": base64.b64encode(np.ascontiguousarray(joined).tobytes()).decode()}


def photos(_ask):
    """Pictures with some structure, of odd sizes, as files of several formats."""
    made = []
    for i, (width, height, kind) in enumerate([(500, 333, "JPEG"), (231, 417, "PNG"), (640, 480, "WEBP"), (97, 64, "BMP")]):
        x, y = np.meshgrid(np.linspace(0, 6, width), np.linspace(0, 4, height))
        waves = [np.sin(x * (b + 1) + i) * np.cos(y * (3 - b)) * 100 + 128 for b in range(3)]
        grain = random.normal(0, 10, (height, width, 3))
        image = Image.fromarray(np.clip(np.stack(waves, -1) + grain, 0, 255).astype(np.uint8))
        out = io.BytesIO()
        exif = Image.Exif()
        exif[274] = 6 if i == 0 else 1
        image.save(out, kind, **({"exif": exif, "quality": 88} if kind == "JPEG" else {}))
        made.append(base64.b64encode(out.getvalue()).decode())
    return {"photos": made}


ACTS = {"make": make, "run": run, "photos": photos}
