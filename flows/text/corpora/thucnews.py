"""THUCNews: articles of Sina in 14 folders, one a class. Other sets of this name are parts of it with splits of their own."""

from catalog.manifests import Licence
from flows.adapter import Access
from flows.text.adapter import TextCorpus
from flows.text.labelled import folder_reader

_CLASSES = ("体育", "娱乐", "家居", "彩票", "房产", "教育", "时尚", "时政", "星座", "游戏", "社会", "科技", "股票", "财经")
CORPUS = TextCorpus(
    name="thucnews",
    title="THUCNews",
    kind="cls",
    language="zh-CN",
    licence=Licence(name="research only", commercial_use=False, attribution="THUCNews, Tsinghua University, from Sina News"),
    citation="Maosong Sun and others: THUCTC: an efficient Chinese text classifier, 2016.",
    homepage="http://thuctc.thunlp.org/",
    files={f"*{label}/*.txt": "all" for label in _CLASSES},
    splits={"all": "train"},
    read=folder_reader(_CLASSES),
    labels=_CLASSES,
    access=Access("fill in the form at http://thuctc.thunlp.org/ and give THUCNews.zip or its folders"),
)
