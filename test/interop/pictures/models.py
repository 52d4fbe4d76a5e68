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


def save(graph, path):
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    onnx.save(model, path)


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
    save(graph, path)


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


def constant(path, outputs, side=(320, 320), batch=1):
    """A model that answers these arrays whatever the picture is, but looks at it."""
    nodes, infos, inits = [], [], [numpy_helper.from_array(np.float32(0), "zero")]
    nodes.append(helper.make_node("ReduceMean", ["images"], ["mean"], keepdims=0))
    nodes.append(helper.make_node("Mul", ["mean", "zero"], ["nought"]))
    for name, array in outputs.items():
        inits.append(numpy_helper.from_array(array.astype(np.float32), f"c_{name}"))
        nodes.append(helper.make_node("Add", [f"c_{name}", "nought"], [name]))
        infos.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, array.shape))
    picture = helper.make_tensor_value_info("images", TensorProto.FLOAT, [batch, 3, *side])
    graph = helper.make_graph(nodes, "head", [picture], infos, inits)
    save(graph, path)


HEADS = {}


def heads(ask):
    """Models with the heads of detectors, full of overlapping boxes."""
    at = lambda name: f"{ask['folder']}/{name}/model.onnx"
    count, classes = 400, 3
    centres = random.uniform(40, 280, (12, 2)).repeat(count // 12 + 1, 0)[:count] + random.normal(0, 6, (count, 2))
    sizes = random.uniform(30, 90, (count, 2))
    rows = np.concatenate([centres, sizes], 1)
    scores = random.uniform(0, 1, (count, classes)) ** 2
    HEADS["yolov8"] = {"output0": np.concatenate([rows, scores], 1).T[None]}
    # Many rows, as real ones have: such answers are written in another thread.
    HEADS["yolov11"] = {"output0": np.pad(HEADS["yolov8"]["output0"], ((0, 0), (0, 0), (0, 12000)))}
    HEADS["yolov5"] = {"output0": np.concatenate([rows, random.uniform(0, 1, (count, 1)), scores], 1)[None]}
    corners = np.concatenate([centres - sizes / 2, centres + sizes / 2], 1)[:100]
    best = scores[:100].max(1, keepdims=True)
    HEADS["yolov10"] = {"output0": np.concatenate([corners, best, scores[:100].argmax(1)[:, None]], 1)[None]}
    points = random.uniform(0, 320, (count, 5 * 3))
    HEADS["yolov8-pose"] = {"output0": np.concatenate([rows, scores[:, :1], points], 1).T[None]}
    HEADS["detr"] = {
        "logits": random.normal(0, 3, (1, 50, classes + 1)),
        "pred_boxes": np.concatenate([centres, sizes], 1)[None, :50] / 320,
    }
    order = scores[:20].max(1).argsort()[::-1]
    HEADS["ssd"] = {
        "num_detections": np.array([15.0]),
        "detection_boxes": corners[order][None][..., [1, 0, 3, 2]] / 320,
        "detection_scores": scores[:20].max(1)[order][None],
        "detection_classes": scores[:20].argmax(1)[order][None] + 1.0,
    }
    for name, outputs in HEADS.items():
        constant(at(name), outputs)
    return {}


def iou(a, b):
    left, right = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    shared = np.prod(np.clip(right - left, 0, None))
    return shared / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - shared)


def nms(found, threshold):
    kept = []
    for one in sorted(found, key=lambda f: -f["score"]):
        if all(k["label"] != one["label"] or iou(k["box"], one["box"]) <= threshold for k in kept):
            kept.append(one)
    return kept


def corners_of(rows):
    return np.concatenate([rows[:, :2] - rows[:, 2:4] / 2, rows[:, :2] + rows[:, 2:4] / 2], 1)


def boxes(ask):
    """What a head's outputs mean for a picture of this size, by the letter of its paper; 320 x 320 letterbox."""
    head, width, height, least, threshold = (ask[key] for key in ("head", "width", "height", "score", "iou"))
    out = {name: array.astype(np.float32).astype(np.float64) for name, array in HEADS[head].items()}
    points = None
    if head in ("yolov8", "yolov11", "yolov8-pose"):
        rows = out["output0"][0].T
        places, scores = corners_of(rows), rows[:, 4:5] if head == "yolov8-pose" else rows[:, 4:]
        points = rows[:, 5:].reshape(len(rows), -1, 3) if head == "yolov8-pose" else None
    elif head == "yolov5":
        rows = out["output0"][0]
        places, scores = corners_of(rows), rows[:, 5:] * rows[:, 4:5]
    elif head == "yolov10":
        rows = out["output0"][0]
        places, scores = rows[:, :4], np.eye(3)[rows[:, 5].astype(int)] * rows[:, 4:5]
    elif head == "detr":
        powers = np.exp(out["logits"][0])
        places, scores = corners_of(out["pred_boxes"][0]) * 320, (powers / powers.sum(1, keepdims=True))[:, :-1]
    else:
        places = out["detection_boxes"][0][:15][:, [1, 0, 3, 2]] * 320
        scores = np.eye(3)[out["detection_classes"][0][:15].astype(int) - 1] * out["detection_scores"][0][:15, None]
    found = [
        {"box": places[i], "score": scores[i].max(), "label": int(scores[i].argmax()), "row": i}
        for i in range(len(places))
        if scores[i].max() > least
    ]
    kept = nms(found, threshold) if head in ("yolov5", "yolov8", "yolov11", "yolov8-pose") else sorted(found, key=lambda f: -f["score"])
    gain = min(320 / height, 320 / width)
    pad = np.array([round((320 - round(width * gain)) / 2 - 0.1), round((320 - round(height * gain)) / 2 - 0.1)])
    back = lambda xy: np.clip((xy - pad) / gain, 0, [width, height])
    answers = []
    for one in kept[:300]:
        box = np.concatenate([back(one["box"][:2]), back(one["box"][2:])])
        if box[2] <= box[0] or box[3] <= box[1]:
            continue
        answer = {"label": f"class{one['label']}", "score": one["score"], "box": box.tolist()}
        if points is not None:
            own = points[one["row"]]
            answer["keypoints"] = np.concatenate([back(own[:, :2]), own[:, 2:]], 1).tolist()
        answers.append(answer)
    return {"boxes": answers}


WORDS = "red blue old new big small shoe lamp table chair phone book".split()


def text_branch(path, classes):
    """The sum of word vectors (that of what fills up is 0), mapped to classes, as probabilities."""
    vectors = random.normal(0, 0.5, (len(WORDS) + 1, 16)).astype(np.float32)
    vectors[0] = 0
    nodes = [
        helper.make_node("Gather", ["vectors", "input_ids"], ["words"]),
        helper.make_node("ReduceSum", ["words", "axis"], ["mean"], keepdims=0),
        helper.make_node("Gemm", ["mean", "w"], ["logits"], transB=1),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "text",
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["N", "T"])],
        [
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", classes]),
            helper.make_tensor_value_info("mean", TensorProto.FLOAT, ["N", 16]),
        ],
        [
            numpy_helper.from_array(vectors, "vectors"),
            numpy_helper.from_array(np.array([1]), "axis"),
            weights("w", classes, 16, scale=0.7),
        ],
    )
    save(graph, path)


def gemm(path, inputs, classes):
    """Inputs [N, width] side by side, mapped to classes."""
    nodes, source = [], next(iter(inputs))
    if len(inputs) > 1:
        nodes.append(helper.make_node("Concat", list(inputs), ["all"], axis=1))
        source = "all"
    nodes.append(helper.make_node("Gemm", [source, "w"], ["logits"], transB=1))
    nodes.append(helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1))
    graph = helper.make_graph(
        nodes,
        "gemm",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["N", w]) for n, w in inputs.items()],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", classes])],
        [weights("w", classes, sum(inputs.values()), scale=2.0)],
    )
    save(graph, path)


def product(ask):
    """A text branch and a picture branch of 27 categories, what fuses them, and what follows the text."""
    folder, classes = ask["folder"], 27
    text_branch(f"{folder}/title/model.onnx", classes)
    network(f"{folder}/photo/model.onnx", 3, classes, (224, 224))
    gemm(f"{folder}/follow/model.onnx", {"embedding": 16}, classes)
    gemm(f"{folder}/stacking/fusion.onnx", {"text": classes, "image": classes}, classes)
    return {"words": WORDS}


def expect(ask):
    """The answers of all kinds of ensembles for titles and pictures, in numpy."""
    folder = ask["folder"]
    session = lambda path: onnxruntime.InferenceSession(f"{folder}/{path}", providers=["CPUExecutionProvider"])
    ids = [[WORDS.index(word) + 1 for word in title.split()] for title in ask["titles"]]
    text, mean = map(np.concatenate, zip(*(session("title/model.onnx").run(None, {"input_ids": np.array([i])}) for i in ids)))
    pictures = np.concatenate([imagenet(base64.b64decode(file)) for file in ask["files"]])
    logits = session("photo/model.onnx").run(None, {"picture": pictures})[0]
    powers = np.exp(logits - logits.max(1, keepdims=True))
    image = powers / powers.sum(1, keepdims=True)
    votes = np.zeros_like(text)
    for one in (text, image):
        votes[np.arange(len(votes)), one.argmax(1)] += 0.5
    made = {
        "weights": 0.6 * text + 0.4 * image,
        "mean": (text + image) / 2,
        "vote": votes,
        "stacking": session("stacking/fusion.onnx").run(None, {"text": text, "image": image})[0],
        "chain": session("follow/model.onnx").run(None, {"embedding": mean})[0],
    }
    return {name: array.tolist() for name, array in made.items()}


ACTS = {act.__name__: act for act in (make, run, photos, heads, boxes, product, expect)}
