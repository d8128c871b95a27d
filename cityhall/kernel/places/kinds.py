"""Kinds of places: what each is called in the reader's language, and by which words people ask for one.

Somebody who needs a doctor types "병원" or "pronto socorro" and no name. One table holds the words of every language,
and they are matched whatever the reader's language is. Source of the tags: OpenStreetMap wiki, "Map features".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from cityhall.kernel.places.declares import Place
from cityhall.kernel.places.folding import fold
from cityhall.kernel.service import Text, declared

CLOSE = 0.8
"""How like a word must be to one of the table to be taken for it (difflib's ratio of letters, of Hangul's parts)."""
HANGUL = re.compile(r"[\uac00-\ud7a3]")
FILLERS = frozenset(
    fold(
        "a an the of in at to for my me near nearest nearby closest around where is are find i need want please "
        "el la los las un una de del en al mi cerca cercano cercana mas proximo donde esta hay quiero necesito busco "
        "o os um uma do da dos das no na perto mim onde fica tem preciso quero procuro mais e "
        "근처 가까운 주변 어디 어디에 있나요 있어요 찾기 가장"
    ).split()
)
"""What people write around the word that counts."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind. `tags` are the kinds of PlaceName that are of it; `words` are parted by commas."""

    name: Text
    tags: tuple[str, ...]
    words: str
    icon: str = "locate"


KINDS = (
    Kind(
        _("Hospital"),
        ("hospital",),
        "hospital, hospitals, emergency room, emergency, emergencias, urgencias, hospitales, sanatorio, hospitais, "
        "pronto socorro, emergência, UPA, 병원, 종합병원, 대학병원, 응급실",
    ),
    Kind(
        _("Clinic or doctor"),
        ("clinic", "doctors", "doctor", "health_post", "centre"),
        "clinic, doctor, doctors, surgery, health centre, health center, physician, clínica, médico, médica, "
        "centro de salud, ambulatorio, consultorio, posto de saúde, unidade de saúde, UBS, 의원, 의사, 보건소, 진료소, "
        "클리닉, 병원",
    ),
    Kind(
        _("Pharmacy"),
        ("pharmacy", "chemist"),
        "pharmacy, pharmacies, chemist, drugstore, medicine, farmacia, farmacias, botica, remedios, medicinas, "
        "farmácia, drogaria, remédio, 약국, 약",
    ),
    Kind(_("Dentist"), ("dentist",), "dentist, dentista, odontólogo, odontologia, 치과, 치과의원"),
    Kind(_("Vet"), ("veterinary",), "vet, veterinary, animal hospital, veterinario, veterinária, 동물병원, 수의사"),
    Kind(
        _("City hall or office"),
        ("townhall", "government", "public_building", "administrative"),
        "city hall, town hall, council, municipality, city office, ayuntamiento, municipalidad, alcaldía, intendencia, "
        "prefeitura, câmara municipal, paço municipal, rathaus, mairie, 시청, 구청, 군청, 도청, 주민센터, 행정복지센터",
    ),
    Kind(
        _("Police"),
        ("police",),
        "police, police station, policía, comisaría, polícia, delegacia, 경찰, 경찰서, 파출소, 지구대",
    ),
    Kind(
        _("Fire station"),
        ("fire_station",),
        "fire station, fire brigade, firefighters, bomberos, estación de bomberos, bombeiros, corpo de bombeiros, "
        "소방서, 119안전센터",
    ),
    Kind(
        _("Court"),
        ("courthouse",),
        "court, courthouse, juzgado, tribunal, palacio de justicia, fórum, tribunal de justiça, 법원",
    ),
    Kind(
        _("Post office"),
        ("post_office",),
        "post office, mail, correo, correos, oficina de correos, correio, correios, 우체국",
    ),
    Kind(
        _("School"), ("school",), "school, schools, escuela, colegio, escola, colégio, 학교, 초등학교, 중학교, 고등학교"
    ),
    Kind(
        _("Kindergarten"),
        ("kindergarten", "childcare"),
        "kindergarten, nursery, childcare, day care, jardín de infancia, guardería, jardín infantil, creche, "
        "jardim de infância, educação infantil, 유치원, 어린이집",
    ),
    Kind(
        _("University or college"),
        ("university", "college"),
        "university, college, campus, universidad, facultad, universidade, faculdade, 대학교, 대학, 캠퍼스",
    ),
    Kind(_("Library"), ("library",), "library, books, biblioteca, livros, libros, 도서관"),
    Kind(_("Museum"), ("museum", "gallery"), "museum, gallery, museo, galería, museu, galeria, 박물관, 미술관"),
    Kind(
        _("Theatre or cinema"),
        ("theatre", "cinema", "arts_centre"),
        "theatre, theater, cinema, movies, arts centre, teatro, cine, centro cultural, 극장, 영화관, 공연장, 문화센터",
    ),
    Kind(
        _("Community centre"),
        ("community_centre", "social_facility", "social_centre"),
        "community centre, community center, social services, fab lab, centro comunitario, centro social, "
        "servicios sociales, centro comunitário, assistência social, CRAS, 복지관, 주민자치센터, 커뮤니티센터",
    ),
    Kind(
        _("Market"),
        ("marketplace",),
        "market, farmers market, mercado, feria, mercado público, feira, 시장, 전통시장, 재래시장",
    ),
    Kind(
        _("Supermarket or shop"),
        ("supermarket", "convenience", "mall", "department_store", "grocery", "bakery", "greengrocer"),
        "supermarket, grocery, shop, shopping, mall, supermercado, tienda, centro comercial, almacén, loja, mercearia, "
        "padaria, panadería, bakery, 슈퍼마켓, 마트, 편의점, 백화점, 쇼핑몰, 빵집",
    ),
    Kind(
        _("Place to eat"),
        ("restaurant", "fast_food", "food_court"),
        "restaurant, food, eat, restaurante, comida, comer, lanchonete, 식당, 음식점, 맛집",
    ),
    Kind(
        _("Café or bar"), ("cafe", "bar", "pub"), "cafe, coffee, bar, pub, café, cafetería, cafeteria, 카페, 커피, 술집"
    ),
    Kind(
        _("Bank or cash machine"),
        ("bank", "atm", "bureau_de_change"),
        "bank, atm, cash, cash machine, banco, cajero, cajero automático, caixa eletrônico, 은행, 현금인출기",
    ),
    Kind(
        _("Hotel"),
        ("hotel", "hostel", "guest_house", "motel"),
        "hotel, hostel, guest house, hotel, albergue, hostal, pousada, hotéis, hoteles, 호텔, 숙소, 게스트하우스, 여관",
    ),
    Kind(
        _("Port"),
        ("port", "harbour", "marina"),
        "port, harbour, harbor, marina, docks, puerto, dársena, porto, cais, 항구, 항만, 부두, 마리나",
        "ferry",
    ),
    Kind(
        _("Ferry pier"),
        ("ferry_terminal", "pier"),
        "ferry, ferry terminal, pier, boat, port, harbour, harbor, muelle, embarcadero, transbordador, puerto, balsa, "
        "terminal hidroviário, atracadouro, porto, 여객터미널, 선착장, 나루터, 항구",
        "ferry",
    ),
    Kind(
        _("Station"),
        ("station", "halt", "subway_entrance", "tram_stop"),
        "station, train, train station, railway, metro, subway, estación, estación de tren, tren, estação, "
        "estação de trem, trem, metrô, 역, 기차역, 지하철역, 전철역",
        "train",
    ),
    Kind(
        _("Bus station"),
        ("bus_station",),
        "bus station, coach station, terminal, terminal de autobuses, estación de autobuses, terminal de ómnibus, "
        "rodoviária, terminal de ônibus, 버스터미널, 터미널",
        "bus",
    ),
    Kind(
        _("Airport"),
        ("aerodrome", "terminal", "airport"),
        "airport, flights, aeropuerto, aeroporto, 공항, 비행장",
    ),
    Kind(
        _("Car park"),
        ("parking",),
        "parking, car park, parking lot, aparcamiento, estacionamiento, parqueadero, estacionamento, 주차장, 주차",
    ),
    Kind(
        _("Fuel or charging"),
        ("fuel", "charging_station"),
        "petrol, gas station, fuel, charging station, gasolinera, estación de servicio, combustible, punto de carga, "
        "posto de gasolina, posto de combustível, carregador, 주유소, 충전소, 전기차 충전소",
    ),
    Kind(
        _("Bicycle parking or hire"),
        ("bicycle_rental", "bicycle_parking"),
        "bike, bicycle, bike hire, bike rental, bicicleta, alquiler de bicicletas, aluguel de bicicletas, 자전거, "
        "자전거 대여소",
    ),
    Kind(
        _("Recycling"),
        ("recycling", "waste_disposal", "waste_transfer_station"),
        "recycling, rubbish, garbage, waste, punto limpio, reciclaje, basura, ecoponto, reciclagem, lixo, "
        "재활용, 재활용센터, 쓰레기, 분리수거",
    ),
    Kind(
        _("Toilets"),
        ("toilets",),
        "toilet, toilets, restroom, wc, bathroom, baño, baños, aseos, servicios, banheiro, sanitário, 화장실",
    ),
    Kind(
        _("Drinking water"),
        ("drinking_water", "fountain"),
        "drinking water, water, fountain, agua potable, fuente, bebedero, água potável, bebedouro, chafariz, "
        "음수대, 분수",
    ),
    Kind(
        _("Park"),
        ("park", "garden", "nature_reserve", "playground", "dog_park"),
        "park, garden, playground, parque, plaza, jardín, parque infantil, praça, jardim, parquinho, "
        "공원, 놀이터, 정원",
    ),
    Kind(
        _("Sports"),
        ("sports_centre", "stadium", "pitch", "swimming_pool", "fitness_centre", "ice_rink"),
        "sports, sports centre, stadium, gym, swimming pool, pool, polideportivo, estadio, gimnasio, piscina, "
        "ginásio, estádio, academia, 체육관, 경기장, 운동장, 수영장, 헬스장",
    ),
    Kind(
        _("Beach"),
        ("beach", "bay"),
        "beach, swim, playa, praia, 해변, 해수욕장, 바닷가",
    ),
    Kind(
        _("Sight"),
        ("attraction", "viewpoint", "artwork", "monument", "memorial", "castle", "ruins", "zoo", "theme_park"),
        "sight, sights, sightseeing, tourism, monument, viewpoint, zoo, atracción, turismo, monumento, mirador, "
        "zoológico, atração, mirante, 관광지, 명소, 기념물, 전망대, 동물원",
    ),
    Kind(
        _("Tourist information"),
        ("information",),
        "tourist information, información turística, oficina de turismo, informações turísticas, 관광안내소",
    ),
    Kind(
        _("Place of worship"),
        ("place_of_worship", "church", "monastery"),
        "church, temple, mosque, synagogue, iglesia, templo, mezquita, sinagoga, igreja, mesquita, "
        "교회, 성당, 절, 사찰, 모스크",
    ),
    Kind(
        _("Cemetery"),
        ("grave_yard", "cemetery", "crematorium", "funeral_hall"),
        "cemetery, graveyard, funeral, cementerio, funeraria, cemitério, funerária, velório, 묘지, 공동묘지, 장례식장",
    ),
    Kind(
        _("Shelter"),
        ("shelter", "assembly_point", "emergency_shelter"),
        "shelter, evacuation, refugio, albergue de emergencia, punto de encuentro, abrigo, 대피소, 대피, 쉼터",
    ),
    Kind(
        _("District"),
        ("suburb", "neighbourhood", "quarter", "borough", "city", "town", "village", "hamlet", "locality"),
        "district, neighbourhood, barrio, distrito, bairro, 동네, 구역",
        "map",
    ),
    Kind(_("Square"), ("square",), "square, plaza, praça, largo, 광장", "map"),
    Kind(_("Street"), ("street",), "", "map"),
    Kind(_("Place on the map"), ("point",), "", "locate"),
)
_BY_TAG = {tag: kind for kind in reversed(KINDS) for tag in kind.tags}
PLACE = _("Place")


@dataclass(frozen=True, slots=True)
class Asked:
    """Kinds that somebody asks for: their `tags`; the `rest` of the words; `sure`, unless letters had to be mended."""

    tags: frozenset[str]
    rest: tuple[str, ...]
    sure: bool


def kind_name(tag: str) -> str:
    """A kind of place in the reader's language: that of a service which declares it, that of the table, or "Place"."""
    own = next((item.name for _service, item in declared(Place) if item.kind == tag), None)
    if own is not None:
        return str(own)
    return str(_BY_TAG[tag].name if tag in _BY_TAG else PLACE)


def kind_icon(tag: str) -> str:
    """The icon for a kind of place."""
    for _service, item in declared(Place):
        if item.kind == tag:
            return item.icon
    return _BY_TAG[tag].icon if tag in _BY_TAG else "locate"


def asked(query: str) -> Asked | None:
    """The kinds that `query` asks for by any of their words, None where it names none.

    A kind's word may stand among others ("pharmacy old town"), be begun only ("farmac") or be misspelt ("병웡").
    """
    words = bare(fold(query)[:100].split())
    if not words:
        return None
    vocabulary = _vocabulary()
    for size in range(len(words), 0, -1):
        for start in range(len(words) - size + 1):
            tags = vocabulary.get(" ".join(words[start : start + size]))
            if tags:
                return Asked(tags, (*words[:start], *words[start + size :]), sure=True)
    whole = " ".join(words)
    if len(whole) >= (2 if HANGUL.search(whole) else 3):
        begun = [tags for phrase, tags in vocabulary.items() if phrase.startswith(whole)]
        if begun:
            return Asked(frozenset().union(*begun), (), sure=True)
    return _mended(words)


def _mended(words: list[str]) -> Asked | None:
    """What is closest to the words as a whole, or to one of them, letter by letter."""
    letters = _letters()
    for place, said in ((None, " ".join(words)), *enumerate(words if len(words) > 1 else ())):
        parts = apart(said)
        close = get_close_matches(parts, letters, n=2, cutoff=CLOSE) if len(parts) >= 5 else []
        if close:
            rest = () if place is None else (*words[:place], *words[place + 1 :])
            return Asked(frozenset().union(*(letters[one] for one in close)), rest, sure=False)
    return None


def bare(words: Iterable[str]) -> list[str]:
    """Folded words without those that only stand around them; all of them where there are no others."""
    every = list(words)
    return [word for word in every if word not in FILLERS] or every


def apart(text: str) -> str:
    """Text with each Hangul syllable in its letters, so that one wrong letter is not a whole other syllable."""
    return unicodedata.normalize("NFD", text)


def _vocabulary() -> dict[str, frozenset[str]]:
    return _words(tuple(code for code, _name in settings.LANGUAGES), tuple(settings.CITY.services))


@lru_cache(maxsize=4)
def _words(languages: tuple[str, ...], _services: tuple[str, ...]) -> dict[str, frozenset[str]]:
    """Every folded word or phrase with the tags that it asks for: the table's, and those of services' own kinds."""
    found: dict[str, set[str]] = {}
    for kind in KINDS:
        for word in kind.words.split(","):
            _add(found, word, kind.tags)
    for _service, item in declared(Place):
        for text in (item.name, *item.words):
            for code in languages:
                with translation.override(code):
                    for word in str(text).split(","):
                        _add(found, word, (item.kind,))
    return {phrase: frozenset(tags) for phrase, tags in found.items()}


def _add(found: dict[str, set[str]], word: str, tags: tuple[str, ...]) -> None:
    phrase = " ".join(bare(fold(word).split()))
    if phrase:
        found.setdefault(phrase, set()).update(tags)


def _letters() -> dict[str, frozenset[str]]:
    return {apart(phrase): tags for phrase, tags in _vocabulary().items()}
