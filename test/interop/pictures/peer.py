"""Pillow, OpenCV and onnxruntime behind lines of JSON: the other side of the picture tests."""

import base64
import io
import json
import sys

import cv2
import numpy as np
from PIL import Image, ImageOps

FILTERS = {name: getattr(Image.Resampling, name.upper()) for name in "nearest box bilinear hamming bicubic lanczos".split()}
CV = {"bilinear": cv2.INTER_LINEAR, "bicubic": cv2.INTER_CUBIC, "area": cv2.INTER_AREA}


def pack(array):
    array = np.ascontiguousarray(array)
    return {"shape": list(array.shape), "data": base64.b64encode(array.tobytes()).decode()}


def noise(seed, width, height, bands, kind):
    """Random pixels, or blocks of flat colour with hard edges, or a slope with grain."""
    random = np.random.default_rng(seed)
    shape = (height, width, bands)
    if kind == "blocks":
        small = random.integers(0, 2, (height // 7 + 1, width // 5 + 1, bands)) * 255
        pixels = small.repeat(7, 0).repeat(5, 1)[:height, :width]
    elif kind == "slope":
        slope = np.linspace(0, 255, width)[None, :, None] * np.linspace(0.2, 1, height)[:, None, None]
        pixels = np.clip(slope + random.normal(0, 9, shape), 0, 255)
    else:
        pixels = random.integers(0, 256, shape)
    return pixels.astype(np.uint8)


def resize(ask):
    pixels = noise(ask["seed"], ask["width"], ask["height"], ask["bands"], ask["kind"])
    size = tuple(ask["to"])
    if ask["by"] == "pillow":
        flat = pixels[..., 0] if ask["bands"] == 1 else pixels
        made = np.asarray(Image.fromarray(flat).resize(size, FILTERS[ask["filter"]]))
    else:
        made = cv2.resize(pixels, size, interpolation=CV[ask["filter"]])
    return {"picture": pack(pixels), "resized": pack(made)}


def decode(ask):
    data = base64.b64decode(ask["file"])
    try:
        image = Image.open(io.BytesIO(data))
        image.load()
        if ask.get("turn", True):
            image = ImageOps.exif_transpose(image)
        if ask.get("mode") == "L":
            return {"mode": image.mode, "picture": pack(np.asarray(image.convert("L")))}
        if "onto" in ask:
            image = image.convert("RGBA")
            ground = Image.new("RGB", image.size, tuple(ask["onto"]))
            ground.paste(image, mask=image)
            image = ground
        return {"mode": image.mode, "picture": pack(np.asarray(image.convert("RGB")))}
    except Exception as error:
        return {"error": str(error)}


def save(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return base64.b64encode(out.getvalue()).decode()


def files(ask):
    """Files of every format and mode that a user may send, by a name that says what they are."""
    made = {}
    rgb = Image.fromarray(noise(1, 61, 43, 3, "slope"))
    rough = Image.fromarray(noise(2, 40, 33, 3, "noise"))
    rgba = rgb.copy()
    rgba.putalpha(Image.fromarray(noise(3, 61, 43, 1, "noise")[..., 0]))
    grey = rgb.convert("L")
    for name, image in {"slope": rgb, "rough": rough, "blocks": Image.fromarray(noise(4, 37, 29, 3, "blocks"))}.items():
        for sub in (0, 1, 2):
            made[f"{name}-sub{sub}.jpg"] = save(image, "JPEG", quality=85, subsampling=sub)
        made[f"{name}.png"] = save(image, "PNG")
        made[f"{name}.bmp"] = save(image, "BMP")
        made[f"{name}.tif"] = save(image, "TIFF")
        made[f"{name}-lzw.tif"] = save(image, "TIFF", compression="tiff_lzw")
        made[f"{name}-jpeg.tif"] = save(image, "TIFF", compression="jpeg")
        made[f"{name}.webp"] = save(image, "WEBP", quality=80)
        made[f"{name}-lossless.webp"] = save(image, "WEBP", lossless=True)
        made[f"{name}.gif"] = save(image, "GIF")
        made[f"{name}-palette.png"] = save(image.quantize(31), "PNG")
        made[f"{name}-palette.bmp"] = save(image.quantize(31), "BMP")
        made[f"{name}-palette.tif"] = save(image.quantize(31), "TIFF")
    made["progressive.jpg"] = save(rgb, "JPEG", progressive=True, quality=92)
    made["grey.jpg"] = save(grey, "JPEG")
    made["cmyk.jpg"] = save(rgb.convert("CMYK"), "JPEG", quality=95)
    made["cmyk-rough.jpg"] = save(Image.fromarray(noise(8, 32, 24, 4, "noise"), "CMYK"), "JPEG", quality=98)
    made["cmyk.tif"] = save(rgb.convert("CMYK"), "TIFF")
    for kind in ("png", "tif", "bmp", "gif"):
        made[f"grey.{kind}"] = save(grey, {"tif": "TIFF"}.get(kind, kind.upper()))
        made[f"bits.{kind}"] = save(grey.convert("1"), {"tif": "TIFF"}.get(kind, kind.upper()))
    made["grey-alpha.png"] = save(rgba.convert("LA"), "PNG")
    made["alpha.png"] = save(rgba, "PNG")
    made["alpha.webp"] = save(rgba, "WEBP", lossless=True, exact=True)
    made["alpha.bmp"] = save(rgba, "BMP")
    made["alpha.tif"] = save(rgba, "TIFF")
    transparent = rgb.quantize(16)
    made["transparent.gif"] = save(transparent, "GIF", transparency=3)
    made["transparent.png"] = save(transparent, "PNG", transparency=3)
    made["transparent-colour.png"] = save(rgb, "PNG", transparency=rgb.getpixel((2, 2)))
    made["interlaced.gif"] = save(rgb.quantize(64), "GIF", interlace=1)
    frames = [Image.fromarray(noise(10 + i, 30, 20, 3, "blocks")) for i in range(3)]
    made["frames.gif"] = save(frames[0], "GIF", save_all=True, append_images=frames[1:])
    made["frames.webp"] = save(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    made["pages.tif"] = save(frames[0], "TIFF", save_all=True, append_images=frames[1:])
    ok, deep = cv2.imencode(".png", noise(5, 22, 17, 3, "noise").astype(np.uint16) * 257 + 128)
    made["deep.png"] = base64.b64encode(deep.tobytes()).decode()
    for turn in range(1, 9):
        exif = Image.Exif()
        exif[274] = turn
        made[f"turn{turn}.jpg"] = save(rgb, "JPEG", exif=exif, quality=90)
        made[f"turn{turn}.png"] = save(rgb, "PNG", exif=exif)
        made[f"turn{turn}.webp"] = save(rgb, "WEBP", exif=exif, lossless=True)
    made["turn6.tif"] = save(rgb, "TIFF", exif=exif)
    made["icc.jpg"] = save(rgb, "JPEG", icc_profile=b"\x00" * 200)
    made["one.png"] = save(rgb.crop((0, 0, 1, 1)), "PNG")
    made["thin.jpg"] = save(rgb.crop((0, 0, 61, 1)), "JPEG")
    return {"files": made}


ACTS = {"resize": resize, "decode": decode, "files": files}

if __name__ == "__main__":
    import models

    ACTS |= {f"models.{name}": act for name, act in models.ACTS.items()}
    for line in sys.stdin:
        ask = json.loads(line)
        try:
            answer = ACTS[ask["act"]](ask)
        except Exception as error:
            answer = {"failed": repr(error)}
        print(json.dumps(answer), flush=True)
