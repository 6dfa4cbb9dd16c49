"""Invented names. Any likeness to a real person is chance: the syllables are drawn by lot."""

from __future__ import annotations

import random

SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许邓韩冯曹"
    "彭曾萧田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金韦贾夏付方邹熊白孟秦"
)
_FIRST = {
    "male": "柏承春岱方谷禾景可砚明南宁启谦庆仁如山书松泰文希孝学彦以永云泽知志仲竹梓宗远修",
    "female": "安采初春丹冬凡芳谷禾佳静可兰丽莲琳满梅敏念宁佩琪青秋如若诗淑思素婉文希香晓秀雪",
}
_SECOND = {
    "male": "安本昌川达东帆丰冈光海航恒弘淮江杰坤乐林岭民宁鹏平清泉荣山生石松涛田庭维祥阳义舟",
    "female": "贝蝶凤芙歌桂禾荷华慧佳娟君岚蕾黎莲林玲露曼梅苗宁萍巧晴蓉珊溪霞萱雅燕怡英月云珍芝",
}


def draw_name(lot: random.Random, gender: str, taken: set[str]) -> str:
    """Return a name of three characters that nobody has yet."""
    while True:
        first, second = lot.choice(_FIRST[gender]), lot.choice(_SECOND[gender])
        name = lot.choice(SURNAMES) + first + second
        if first != second and name not in taken:
            taken.add(name)
            return name
