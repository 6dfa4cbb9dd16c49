"""What the invented branches meet about, month by month. No real place, person or event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

THEME_DAYS: Mapping[int, Sequence[str]] = {
    1: ("走访慰问老党员", "study,visit"),
    2: ("学习党章，谈新年打算", "study"),
    3: ("义务植树，清理沟渠", "study,service"),
    4: ("祭扫烈士墓，听老党员讲村史", "study,service"),
    5: ("帮助缺劳力户抢收抢种", "service"),
    6: ("检查堤坝，安排防汛值守", "study,service"),
    7: ("重温入党誓词", "study"),
    8: ("清理河道和村道", "service"),
    9: ("看望独居老人", "study,service"),
    10: ("秋收互助，森林防火宣传", "study,service"),
    11: ("学习党员教育管理的规定", "study"),
    12: ("对照承诺，说一年的工作", "study"),
}
"""What is done on the theme day of each month."""

COMMITTEE = (
    "研究本月工作安排",
    "研究入党积极分子培养情况",
    "研究困难党员走访安排",
    "研究党费收缴情况",
    "研究流动党员联系办法",
    "研究主题党日安排",
)
MEMBERS: Mapping[int, str] = {
    1: "本年工作计划",
    2: "上半年工作安排",
    3: "下半年重点工作",
    4: "下一年工作设想",
}
"""What the members' meeting of each quarter is asked to agree to."""

LESSONS = ("党章里的义务和权利", "怎样过好组织生活", "党的纪律和身边的小事", "怎样联系群众")
GROUP = ("交流学习体会", "分工联系群众", "商量党员责任区", "学习支部大会决议")
ABSENCES = ("leave", "duty", "illness")
SPEECHES = (
    "同意，建议早一点通知在外的党员。",
    "同意，材料请先发给大家看。",
    "同意，我负责联系组里的老党员。",
    "同意，群众最关心的是结果，办完要公布。",
)
PLACES: Mapping[str, str] = {
    "jiguan": "镇政府三楼会议室",
    "shiqiao": "石桥村党群服务中心",
    "zhongxue": "青石中学小会议室",
    "weisheng": "卫生院二楼会议室",
    "qingxi": "公司职工之家",
    "laoganbu": "老干部活动室",
}
USUAL_PLACE = "支部活动室"
