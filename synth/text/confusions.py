"""Which characters and words are taken for each other: by sound, by shape."""

from bisect import bisect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from synth.text.readings import character_reading, split_initial, split_tone
from synth.text.tokens import fold

# Initials and finals that speakers and recognisers mix up, in zhuyin: zh-z ch-c sh-s n-l f-h r-l, an-ang en-eng in-ing.
NEAR_INITIALS = ("ㄓㄗ", "ㄔㄘ", "ㄕㄙ", "ㄋㄌ", "ㄈㄏ", "ㄖㄌ")
NEAR_FINALS = ("ㄢㄤ", "ㄣㄥ")

# Groups of characters that look alike. A start, which a spec extends.
SHAPES = (
    "己已巳 未末 土士 日曰 人入 大太犬 天夭 千干于 午牛 戊戌戍 侯候 辨辯辦瓣 徵微徽 遺遣 績積 "
    "密蜜 梁粱 析折 晴睛 陪倍培 博搏傅 燥躁操 渴喝 清情請 抱跑 楊揚 揭竭 栽裁載 貪貧 兔免 "
    "鳥烏 爪瓜 刀力 田由甲申 目自 木本 白百 今令 王玉主 困因囚 問間 名各 住往 從徒 幻幼 弟第 "
    "師帥 哀衰衷 茶荼 侍待 狠狼 惟推 摸模 徹撤 壁璧 既即 拆折 仿彷 代伐 何伺 作昨 佳隹 便使 "
    "偏遍 側測 傳博 埋理 壤攘 奪奮 姑始 官宮 宣宜 富當 崇祟 巨臣 常當 幣弊 復覆 性姓 悔海 "
    "慨概 拒距 按接 授受 採彩 換喚 旁傍 晚挽 暑署 杯坏 枚枝 根跟 栗粟 毫豪 永水 汪注 沒設 "
    "洪供 派脈 涼諒 淮准 淺錢 漸慚 爆暴 獲穫 玲珍 瑞端 眠眼 祝視 稅說 穗惠 籃藍 綠線 繹譯 "
    "羨盜 耍要 肓盲 脅協 腹複 膽擔 萍評 蒂締 虛慮 袖抽 診珍 詳祥 論輪 賴懶 趁診 輕徑 迫追 "
    "逐遂 遇偶 達撻 郎朗 釣鈞 鈴玲 銘名 鍾鐘 閉閑 降隆 陷諂 隱穩 雜難 雷雪 韻勻 題提 飯販 "
    "驗檢 体休 边过 处外 头买 东车 风凤 几凡 仓仑 厂广 历厉 归旧 师帅"
)


@dataclass(frozen=True)
class Choice:
    """Candidates with their weights summed up, so that one draw picks one."""

    values: Sequence[str]
    sums: Sequence[float]

    def pick(self, u: float) -> str:
        return self.values[min(bisect(self.sums, u * self.sums[-1]), len(self.values) - 1)]


@dataclass
class Confusions:
    """What a character may be taken for: `pick(kind, character, u)` with a number `u` in [0, 1).

    Candidates are the characters of `frequencies`, weighted by the square root of how often they were seen. Characters
    that are one once simplified (台 and 臺) are no error.

    Args:
        frequencies: of the characters of the texts that errors go into.
        table: readings in zhuyin that go before pypinyin's, such as `readings.TAIWAN`.
        shapes: further characters that look alike, by character.
    """

    frequencies: Mapping[str, int]
    table: Mapping[str, str] = field(default_factory=dict)
    shapes: Mapping[str, str] = field(default_factory=dict)
    _by_sound: dict[tuple[str, str], list[str]] = field(init=False, default_factory=dict)
    _by_syllable: dict[str, list[str]] = field(init=False, default_factory=dict)
    _alike: dict[str, str] = field(init=False, default_factory=dict)
    _choices: dict[tuple[str, str], Choice | None] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        for character in sorted(self.frequencies):
            syllable, tone = split_tone(character_reading(character, self.table))
            if syllable:
                self._by_sound.setdefault((syllable, tone), []).append(character)
                self._by_syllable.setdefault(syllable, []).append(character)
        for group in SHAPES.split():
            for character in group:
                self._alike[character] = self._alike.get(character, "") + group
        for character, others in self.shapes.items():
            self._alike[character] = self._alike.get(character, "") + others

    def pick(self, kind: str, character: str, u: float) -> str | None:
        """What an error of `kind` (homophone, other_tone, near_homophone, shape) makes of it; None where nothing fits."""
        key = kind, character
        if key not in self._choices:
            self._choices[key] = self._choice(character, self._candidates(kind, character))
        choice = self._choices[key]
        return None if choice is None else choice.pick(u)

    def _candidates(self, kind: str, character: str) -> Iterable[str]:
        if kind == "shape":
            return self._alike.get(character, "")
        syllable, tone = split_tone(character_reading(character, self.table))
        if kind == "homophone":
            return self._by_sound.get((syllable, tone), ())
        if kind == "other_tone":
            same = set(self._by_sound.get((syllable, tone), ()))
            return [other for other in self._by_syllable.get(syllable, ()) if other not in same]
        return [other for near in near_syllables(syllable) for other in self._by_syllable.get(near, ())]

    def _choice(self, character: str, candidates: Iterable[str]) -> Choice | None:
        plain = fold(character)
        values = [other for other in dict.fromkeys(candidates) if fold(other) != plain]
        sums = list(accumulate(max(self.frequencies.get(other, 1), 1) ** 0.5 for other in values))
        return Choice(values, sums) if values else None


def near_syllables(syllable: str) -> list[str]:
    """Syllables (zhuyin, without tone) that are often taken for this one: one step by initial or final."""
    initial, rest = split_initial(syllable)
    initials = [other for pair in NEAR_INITIALS if initial and initial in pair for other in pair if other != initial]
    finals = [other for pair in NEAR_FINALS if rest and rest[-1] in pair for other in pair if other != rest[-1]]
    return [other + rest for other in initials] + [initial + rest[:-1] + other for other in finals]


def homophone_words(words: Mapping[str, int], readings_of: Mapping[str, str], least: int) -> dict[str, Choice]:
    """For each word of two or three characters the other words of the same syllables, whatever their tones.

    Args:
        words: how often each was seen; those seen less than `least` times are left out.
        readings_of: their syllables, in one string.
    """
    groups: dict[str, list[str]] = {}
    for word in sorted(words):
        if words[word] >= least and readings_of.get(word):
            groups.setdefault(readings_of[word], []).append(word)
    found = {}
    for group in groups.values():
        for word in group:
            others = [other for other in group if len(other) == len(word) and fold(other) != fold(word)]
            if others:
                found[word] = Choice(others, list(accumulate(words[other] ** 0.5 for other in others)))
    return found
